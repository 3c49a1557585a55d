-- hold_marks: wait until nobody is leaving marks, and let nobody leave any before this transaction ends.
-- Who leaves marks looks whether there are segments; whoever looked before a definition must have ended by then.
LOCK TABLE marks IN SHARE MODE
