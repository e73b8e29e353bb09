"""The comparison of derived counts with real nets, by two witnesses."""
