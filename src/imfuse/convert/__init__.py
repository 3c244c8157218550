"""Published checkpoints of other authors, converted to imfuse's weights with a card.

A published model is an entry in :data:`imfuse.convert.conversion.RELEASED`.
"""

from imfuse.convert.conversion import Conversion, convert_checkpoint

__all__ = ["Conversion", "convert_checkpoint"]
