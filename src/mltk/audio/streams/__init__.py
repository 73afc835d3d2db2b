"""Hours of audio as a device hears them: label files, scores, detections matched with events, rates of errors.

``recordings`` finds audio files and their label files (``labels``) and reads them block by block. ``scoring`` computes
the scores of a model on them. ``matching`` says which detections are right. ``curve`` counts errors at all thresholds.
``rates`` has the limits of confidence of these counts. ``joining`` makes a long recording of clips and noise.
"""
