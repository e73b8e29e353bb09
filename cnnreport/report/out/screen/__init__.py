"""What a page gains for a browser: small pictures and typefaces, a dark side, navigation, origins at hand."""
