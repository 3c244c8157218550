"""Training: one recipe per network, the papers' settings as defaults. Needs the extra ``train``."""
