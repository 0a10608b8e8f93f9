# Turns left and right in bootstrap.css into the sides on which a line of text
# starts and ends, so that one style serves both directions of writing. What
# has no such property, the place of a picture in the ground, is in style.css.
s/([;{])(margin|padding)-left:/\1\2-inline-start:/g
s/([;{])(margin|padding)-right:/\1\2-inline-end:/g
s/([;{])border-left(-width|-color|-style)?:/\1border-inline-start\2:/g
s/([;{])border-right(-width|-color|-style)?:/\1border-inline-end\2:/g
s/([;{])border-top-left-radius:/\1border-start-start-radius:/g
s/([;{])border-top-right-radius:/\1border-start-end-radius:/g
s/([;{])border-bottom-left-radius:/\1border-end-start-radius:/g
s/([;{])border-bottom-right-radius:/\1border-end-end-radius:/g
s/([;{])left:/\1inset-inline-start:/g
s/([;{])right:/\1inset-inline-end:/g
s/([;{])text-align:left/\1text-align:start/g
s/([;{])text-align:right/\1text-align:end/g
s/([;{])float:left/\1float:inline-start/g
s/([;{])float:right/\1float:inline-end/g
s/([;{])clear:left/\1clear:inline-start/g
# The select, and what has an icon of its state, leave room for a picture.
s/([;{])padding:([^ ;}]+) ([^ ;}]+) ([^ ;}]+) ([^ ;}]+)([;}])/\1padding-block:\2 \4;padding-inline:\5 \3\6/g
