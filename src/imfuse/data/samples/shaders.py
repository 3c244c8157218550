"""What a camera measures of a card: radiance in its channels, apparent temperature, depth, being a target."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imfuse.data.samples.camera import Hit
from imfuse.data.samples.card import Card, Light, Scene, Surface
from imfuse.data.samples.lighting import Triple, ambient, arrive, lambert, normals, unshadowed
from imfuse.data.samples.noise import Plane
from imfuse.data.samples.spectra import Spectrum

Values = NDArray[np.float32]
"""(H, W, C)."""


class Shader(Protocol):
    """Turns a card and what the pixels see of it into values and an opacity."""

    channels: int

    def shade(self, scene: Scene, card: Card, hit: Hit, cover: Plane) -> tuple[Values, Plane] | None:
        """Values (H, W, C), already multiplied by their opacity (H, W), or None where the camera sees nothing of it."""
        ...


class Radiance:
    """Light in the channels of a camera: Σ over wavelengths of response × (reflectance × irradiance + glow).

    The sum over wavelengths is done once per light and material, so that no spectral cube is held.

    Args:
        response: (C, 61), each channel with the sum 1.
    """

    def __init__(self, response: NDArray[np.float32]) -> None:
        self.channels = len(response)
        self._response = response

    def shade(self, scene: Scene, card: Card, hit: Hit, cover: Plane) -> tuple[Values, Plane] | None:
        """See `Shader`."""
        alpha = cover * np.float32(card.opacity)
        values = np.zeros((*cover.shape, self.channels), np.float32)
        if card.opacity > 0:
            values += self._reflected(scene, card, hit) * alpha[..., None]
        for glow in card.surface.glows:
            amount = cover if glow.pattern is None else cover * glow.pattern(hit.u, hit.v, hit.fu, hit.fv)
            values += amount[..., None] * (self._response @ glow.spectrum)
        if scene.haze is not None and card.hazy:
            values, alpha = self._through_air(scene.haze, values, alpha, hit.depth)
        return values, alpha

    def _reflected(self, scene: Scene, card: Card, hit: Hit) -> Values:
        weights, spectra = mixture(card.surface, hit)
        normal = normals(card, hit)
        above, below = ambient(scene, card, hit, normal)
        total = self._tint(weights, spectra, scene.sky, above) + self._tint(weights, spectra, scene.bounce, below)
        if card.surface.grain is not None:
            total *= card.surface.grain(hit.u, hit.v, hit.fu, hit.fv)[..., None]
        for light in scene.lights:
            total += self._lit(scene, card, hit, light, normal, weights, spectra)
        return total

    def _lit(
        self, scene: Scene, card: Card, hit: Hit, light: Light, normal: Triple, weights: Values, spectra: Values
    ) -> Values:
        """Light of one lamp, with shadows, texture and highlight."""
        surface = card.surface
        beam = arrive(light, hit)
        level = lambert(normal, beam, surface.wrap) * beam.strength
        if np.max(level, initial=0) <= 1e-7:
            return np.zeros((1, 1, self.channels), np.float32)
        open_part = unshadowed(scene, card, light, hit, beam)
        level = level * open_part
        grain = 1.0 if surface.grain is None else surface.grain(hit.u, hit.v, hit.fu, hit.fv)
        values = self._tint(weights, spectra, light.spectrum, np.asarray(level * grain, np.float32))
        if surface.gloss > 0:
            shine = highlight(scene, hit, normal, beam.direction, surface.sharpness) * beam.strength * open_part
            values = values + (np.float32(surface.gloss) * shine)[..., None] * (self._response @ light.spectrum)
        return np.asarray(values, np.float32)

    def _tint(self, weights: Values, spectra: Values, light: Spectrum, level: Plane) -> Values:
        colour = weights @ (spectra * light @ self._response.T)
        return np.asarray(colour * level[..., None], np.float32)

    def _through_air(
        self, haze: tuple[float, Spectrum], values: Values, alpha: Plane, depth: Plane
    ) -> tuple[Values, Plane]:
        """Air dims what is behind it and shines itself; long waves pass better."""
        density, light = haze
        waves = np.arange(400, 1001, 10, dtype=np.float32)
        thickness = self._response @ (density * (waves / 560) ** -1.6).astype(np.float32)
        passing = np.exp(-np.minimum(depth, np.float32(1e5))[..., None] * thickness)
        return values * passing + alpha[..., None] * (1 - passing) * (self._response @ light), alpha


def mixture(surface: Surface, hit: Hit) -> tuple[Values, Values]:
    """(H, W, M) weights of the materials of a surface, with the sum 1, and their (M, 61) spectra."""
    spectra = np.stack([surface.base, *(spectrum for spectrum, _ in surface.layers)])
    weights = [np.ones(hit.u.shape, np.float32)]
    for _, pattern in surface.layers:
        part = np.clip(pattern(hit.u, hit.v, hit.fu, hit.fv), 0, 1)
        weights = [*(w * (1 - part) for w in weights), part]
    return np.stack(weights, axis=-1), spectra


def highlight(scene: Scene, hit: Hit, normal: Triple, direction: Triple, sharpness: float) -> Plane:
    """Blinn's highlight, in [0, 1]."""
    view = [np.float32(e) - p for e, p in zip(scene.eye, hit.position, strict=True)]
    length = np.sqrt(sum(c * c for c in view))
    half = [c / length + d for c, d in zip(view, direction, strict=True)]
    cosine = sum(h * n for h, n in zip(half, normal, strict=True)) / np.sqrt(sum(h * h for h in half))
    return np.asarray(np.clip(cosine, 0, 1) ** np.float32(sharpness), np.float32)


class Temperature:
    """Apparent temperature in °C (one channel): emissivity × temperature + the mirrored sky."""

    channels = 1

    def shade(self, scene: Scene, card: Card, hit: Hit, cover: Plane) -> tuple[Values, Plane] | None:
        """See `Shader`."""
        heat = card.heat
        if heat is None:
            return None
        celsius = np.full(cover.shape, heat.celsius, np.float32)
        if heat.pattern is not None:
            celsius = celsius + heat.pattern(hit.u, hit.v, hit.fu, hit.fv)
        apparent = heat.emissivity * celsius + (1 - heat.emissivity) * scene.cold
        return np.asarray(apparent * cover, np.float32)[..., None], cover


class Depth:
    """Distance along the optical axis in metres (one channel), without mixed values at edges; the sky is `far`.

    Args:
        far: what infinity is drawn as, metres.
    """

    channels = 1

    def __init__(self, far: float = 1e3) -> None:
        self._far = far

    def shade(self, scene: Scene, card: Card, hit: Hit, cover: Plane) -> tuple[Values, Plane] | None:
        """See `Shader`."""
        if card.opacity < 0.5:
            return None
        solid = (cover >= 0.5).astype(np.float32)
        return (np.minimum(hit.depth, np.float32(self._far)) * solid)[..., None], solid


class Targets:
    """Part of a pixel that a warm body covers (one channel)."""

    channels = 1

    def shade(self, scene: Scene, card: Card, hit: Hit, cover: Plane) -> tuple[Values, Plane] | None:
        """See `Shader`."""
        if card.heat is None:
            return None
        return (cover * np.float32(card.target))[..., None], cover
