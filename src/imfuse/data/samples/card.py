"""What a scene is made of: flat cards in space, with an outline, a surface, a temperature; lights; a camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import hypot
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from imfuse.data.samples.noise import Plane
from imfuse.data.samples.outlines import Outline, Size
from imfuse.data.samples.spectra import Spectrum

Vector: TypeAlias = tuple[float, float, float]
"""x to the right, y up, z away from the camera; metres."""

RIGHT: Vector = (1.0, 0.0, 0.0)
LEFT: Vector = (-1.0, 0.0, 0.0)
UP: Vector = (0.0, 1.0, 0.0)
AWAY: Vector = (0.0, 0.0, 1.0)
TOWARDS: Vector = (0.0, 0.0, -1.0)

Pattern: TypeAlias = Callable[[Plane, Plane, Size, Size], Plane]
"""A function of the plane's coordinates and of the footprint, like an outline; values mostly in [0, 1]."""


@dataclass(frozen=True)
class Glow:
    """Light that a surface gives off by itself (a lit window, the sky)."""

    spectrum: Spectrum
    pattern: Pattern | None = None


@dataclass(frozen=True)
class Surface:
    """How a card answers light.

    Attributes:
        base: reflectance.
        layers: further reflectances, each painted over what is below with the opacity of its pattern.
        grain: brightness factor (mean 1), or None.
        gloss: strength of the highlight, in [0, 1].
        sharpness: exponent of the highlight.
        wrap: 0 for a solid body, 1 for thin leaves that light passes through.
        glows: light of its own.
    """

    base: Spectrum
    layers: tuple[tuple[Spectrum, Pattern], ...] = ()
    grain: Pattern | None = None
    gloss: float = 0.0
    sharpness: float = 40.0
    wrap: float = 0.0
    glows: tuple[Glow, ...] = ()


@dataclass(frozen=True)
class Heat:
    """What a thermal camera sees of a card.

    Attributes:
        celsius: temperature.
        pattern: what is added to it, in kelvin, or None.
        emissivity: the rest is a mirror of the sky.
    """

    celsius: float
    pattern: Pattern | None = None
    emissivity: float = 0.95


@dataclass(frozen=True)
class Card:
    """A flat thing in space.

    Attributes:
        name: cards with one name cast no shadow on each other.
        origin: where (u, v) = (0, 0) is, in metres.
        bounds: (u0, v0, u1, v1) that hold the outline, or None for a card without end.
        outline: where it ends.
        surface: how it answers light.
        heat: what a thermal camera sees of it; None is nothing.
        relief: radius in metres over which its rim is bent backwards, 0 is flat.
        barrel: radius in metres of an upright cylinder that it stands for, 0 is none.
        opacity: 1 is solid, 0 only adds its glow.
        casts: whether it throws shadows.
        visible: whether it is drawn at all (some only throw shadows).
        target: whether it is a warm body that a fused picture has to show.
        kind: what detectors would call it (``person``, ``car``); empty for what they do not look for. Cards of one
            name and kind are one object.
        hazy: whether the air before it is seen.
        ambience: how much of the scene's ambient light reaches it (more than 1 outside of a window).
        right: unit vector of u.
        up: unit vector of v.
    """

    name: str
    origin: Vector
    bounds: tuple[float, float, float, float] | None
    outline: Outline
    surface: Surface
    heat: Heat | None = None
    relief: float = 0.0
    barrel: float = 0.0
    opacity: float = 1.0
    casts: bool = False
    visible: bool = True
    target: bool = False
    kind: str = ""
    hazy: bool = True
    ambience: float = 1.0
    right: Vector = RIGHT
    up: Vector = UP

    @cached_property
    def normal(self) -> NDArray[np.float64]:
        """(3,) unit vector towards the side from which u goes to the right and v up (x, y, z are left-handed)."""
        return np.cross(self.up, self.right)

    @cached_property
    def sphere(self) -> tuple[Vector, float] | None:
        """Centre and radius of a sphere that holds the bounds, or None for a card without end."""
        if self.bounds is None:
            return None
        u0, v0, u1, v1 = self.bounds
        u, v = (u0 + u1) / 2, (v0 + v1) / 2
        x, y, z = (o + u * r + v * w for o, r, w in zip(self.origin, self.right, self.up, strict=True))
        return (x, y, z), hypot(u1 - u0, v1 - v0) / 2


@dataclass(frozen=True)
class Light:
    """A lamp, or with `position` None a far light.

    Attributes:
        spectrum: irradiance at one metre, or anywhere for a far light.
        position: of a lamp, in metres.
        direction: towards a far light, or the axis of a lamp's cone.
        softness: radius of a lamp in metres; of a far light in metres per metre.
        cone: cosines between which a lamp's light rises from none to full, or None.
        shadows: whether cards stop it.
    """

    spectrum: Spectrum
    position: Vector | None = None
    direction: Vector = (0.0, 1.0, 0.0)
    softness: float = 0.05
    cone: tuple[float, float] | None = None
    shadows: bool = True


@dataclass(frozen=True)
class Contact:
    """A dark spot where a thing stands: an ellipse on the ground that the ambient light hardly reaches."""

    x: float
    z: float
    half_width: float
    half_length: float
    strength: float = 0.7


@dataclass(frozen=True)
class Scene:
    """A scene: cards from the farthest to the nearest, lights, air and the place of the camera.

    Attributes:
        cards: in the order in which they are painted.
        lights: lamps and far lights.
        sky: ambient light from above, and `bounce` from below.
        bounce: ambient light from below.
        eye: place of the camera, in metres; it looks along z.
        focal: focal length as a multiple of the picture's width (for a picture of 4:3).
        horizon: height of the horizon, 0 at the top and 1 at the bottom.
        haze: density of the air per metre at 560 nm, and its light.
        contacts: dark spots on the ground.
        cold: temperature of the sky that bare metal and glass mirror, in °C.
        exposure: radiance times this is the linear picture of the visible camera at 0 EV.
        infrared_exposure: the same for the near-infrared camera.
        light_level: electrons in a white pixel of the visible camera: fewer are noisier.
        focus: nearest and farthest depth that a focus stack is focused at, metres.
    """

    cards: tuple[Card, ...]
    lights: tuple[Light, ...]
    sky: Spectrum
    bounce: Spectrum
    eye: Vector = (0.0, 1.6, 0.0)
    focal: float = 1.0
    horizon: float = 0.5
    haze: tuple[float, Spectrum] | None = None
    contacts: tuple[Contact, ...] = field(default=())
    cold: float = -10.0
    exposure: float = 1.0
    infrared_exposure: float = 1.0
    light_level: float = 8000.0
    focus: tuple[float, float] = (3.0, 60.0)
