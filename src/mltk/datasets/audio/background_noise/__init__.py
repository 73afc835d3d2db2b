"""Noise to mix into audio: ``bg_noise_dir`` of the audio data generator."""
