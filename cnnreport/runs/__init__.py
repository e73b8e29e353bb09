"""The run half: experiments are executed into artefacts."""
