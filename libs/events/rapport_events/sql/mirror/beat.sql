-- beat: see whether the server still answers.
SELECT true
