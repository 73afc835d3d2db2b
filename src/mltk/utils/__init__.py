"""Only for scripts written for MLTK 0.20. Write no new code here.

- ``adpcm.py``: IMA ADPCM.
- ``archive.py``, ``archive_downloader.py``: download, verify, pack and extract archives.
- ``audio_dataset_generator.py``: synthesize datasets of spoken words.
- ``bin2header.py``, ``hexdump.py``, ``string_formatting.py``: data, numbers and times as text.
- ``gpu.py``, ``network.py``, ``notebook.py``, ``signal_handler.py``, ``system.py``: the machine.
- ``hasher.py``: hashes of files and values.
- ``logger.py``: loggers.
- ``path.py``, ``zipfile_win32.py``: paths, folders, ZIP files.
- ``process_pool.py``, ``process_pool_manager.py``: functions in worker processes.
- ``python.py``, ``shell_cmd.py``: Python values, modules and processes.
- ``test_helper.py``: the command ``mltk`` in a test.
- ``audio_visualizer.py``: the page of ``mltk view_audio``.
- ``_replaced.py``: what the names need that raise an error. These names are in ``cmake.py``, ``commander.py``,
  ``dropbox_upload.py``, ``firmware_apps.py``, ``jlink.py``, ``jlink_stream.py``, ``serial_reader.py``, ``ssh.py`` and
  ``uart_stream.py``.
"""
