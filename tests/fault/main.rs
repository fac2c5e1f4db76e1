//! What the platform does when services and servers die: nothing acknowledged is missing, nothing is done twice.
