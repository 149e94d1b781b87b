# A zsh on a terminal of its own: Tab is pressed behind each line, and ^X shows what stands there then.
#   press-tab.zsh COMPLETION-SCRIPT LINE…
zmodload zsh/zpty
zpty -b shell "zsh -f -i"
zpty -w shell "PS1=; autoload -U compinit && compinit -D -u; source ${(q)1}
shown() { print -r -- \"<\$BUFFER>\"; BUFFER= }; zle -N shown
bindkey '^X' shown; bindkey '^I' complete-word; print READY\$((1))"
zpty -r -m shell said '*READY1*' || exit 3
for line in "${@:2}"; do
  zpty -w -n shell "$line"$'\t\x18'
  zpty -r -m shell said '*<*>*' || exit 4
  print -r -- "<${${said##*<}%%>*}>"
done
zpty -d shell
