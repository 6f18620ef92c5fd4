"""Published models as encoders, through transformers: SigLIP, SigLIP 2, CLIP and sentence encoders."""
