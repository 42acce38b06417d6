# made from bridgedctl's own options by: make generated
# Usage:
# 1) Copy this to somewhere (e.g. ~/.local/share/bash_completion/bridgedctl).
# 2) Add the following line to your .bashrc:
#    source ~/.local/share/bash_completion/bridgedctl
# See also: https://github.com/scop/bash-completion/blob/main/doc/configuration.md

_shtab_bridgedctl_render_subparsers=(nad kubeadm cilium)
_shtab_bridgedctl_subparsers=(status ready graph plan explain doctor names apply confirm rollback history pause resume validate schema import export render)

_shtab_bridgedctl_status_option_strings=(-h --help --socket --state --json --watch -w)
_shtab_bridgedctl_ready_option_strings=(-h --help --socket --state --json)
_shtab_bridgedctl_graph_option_strings=(-h --help --socket --state --format)
_shtab_bridgedctl_plan_option_strings=(-h --help --socket --state --json)
_shtab_bridgedctl_explain_option_strings=(-h --help --socket --state --json)
_shtab_bridgedctl_doctor_option_strings=(-h --help --socket --state --json)
_shtab_bridgedctl_names_option_strings=(-h --help --socket --state)
_shtab_bridgedctl_apply_option_strings=(-h --help --socket --state --json --allow-disruption --confirm)
_shtab_bridgedctl_confirm_option_strings=(-h --help --socket --state)
_shtab_bridgedctl_rollback_option_strings=(-h --help --socket --state)
_shtab_bridgedctl_history_option_strings=(-h --help --socket --state --since -n --json --state-dir)
_shtab_bridgedctl_pause_option_strings=(-h --help --socket --state --for --reason)
_shtab_bridgedctl_resume_option_strings=(-h --help --socket --state)
_shtab_bridgedctl_validate_option_strings=(-h --help --socket --state --hostname --label --nic)
_shtab_bridgedctl_schema_option_strings=(-h --help --socket --state --status)
_shtab_bridgedctl_import_option_strings=(-h --help --socket --state --from -o --output --force)
_shtab_bridgedctl_export_option_strings=(-h --help --socket --state --format --name --node)
_shtab_bridgedctl_render_nad_option_strings=(-h --help --socket --state --namespace --vlan --type --macspoofchk)
_shtab_bridgedctl_render_kubeadm_option_strings=(-h --help --socket --state)
_shtab_bridgedctl_render_cilium_option_strings=(-h --help --socket --state)
_shtab_bridgedctl_render_option_strings=(-h --help --socket --state)
_shtab_bridgedctl_option_strings=(-h --help --socket --state --version)

_shtab_bridgedctl_status_pos_0_COMPGEN=_shtab_cmd_compgen_d5d221c5
_shtab_bridgedctl_status___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_status___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_ready___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_ready___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_graph_pos_0_COMPGEN=_shtab_cmd_compgen_d5d221c5
_shtab_bridgedctl_graph___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_graph___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_plan___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_plan___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_explain_pos_0_COMPGEN=_shtab_cmd_compgen_ca0730a8
_shtab_bridgedctl_explain___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_explain___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_doctor___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_doctor___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_names___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_names___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_apply___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_apply___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_apply___allow_disruption_COMPGEN=_shtab_cmd_compgen_d5d221c5
_shtab_bridgedctl_confirm___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_confirm___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_rollback___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_rollback___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_history_pos_0_COMPGEN=_shtab_cmd_compgen_ca0730a8
_shtab_bridgedctl_history___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_history___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_history___state_dir_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_pause_pos_0_COMPGEN=_shtab_cmd_compgen_d5d221c5
_shtab_bridgedctl_pause___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_pause___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_resume_pos_0_COMPGEN=_shtab_cmd_compgen_d5d221c5
_shtab_bridgedctl_resume___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_resume___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_validate_pos_0_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_validate___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_validate___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_schema___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_schema___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_import_pos_0_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_import___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_import___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_import__o_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_import___output_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_export___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_export___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_render_nad_pos_0_COMPGEN=_shtab_cmd_compgen_d5d221c5
_shtab_bridgedctl_render_nad___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_render_nad___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_render_kubeadm___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_render_kubeadm___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_render_cilium___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_render_cilium___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_render___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl_render___state_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl___socket_COMPGEN=_shtab_compgen_files
_shtab_bridgedctl___state_COMPGEN=_shtab_compgen_files

_shtab_bridgedctl_graph___format_choices=(tree dot svg)
_shtab_bridgedctl_names_pos_0_choices=(objects bridges)
_shtab_bridgedctl_import___from_choices=(host nmstate nncp)
_shtab_bridgedctl_export___format_choices=(nmstate nncp)
_shtab_bridgedctl_render_nad___type_choices=(bridge cnv-bridge)
_shtab_bridgedctl_render_pos_0_choices=(nad kubeadm cilium)
_shtab_bridgedctl_pos_0_choices=(status ready graph plan explain doctor names apply confirm rollback history pause resume validate schema import export render)

_shtab_bridgedctl_status__h_nargs=0
_shtab_bridgedctl_status___help_nargs=0
_shtab_bridgedctl_status___json_nargs=0
_shtab_bridgedctl_status___watch_nargs=0
_shtab_bridgedctl_status__w_nargs=0
_shtab_bridgedctl_ready__h_nargs=0
_shtab_bridgedctl_ready___help_nargs=0
_shtab_bridgedctl_ready___json_nargs=0
_shtab_bridgedctl_graph__h_nargs=0
_shtab_bridgedctl_graph___help_nargs=0
_shtab_bridgedctl_plan__h_nargs=0
_shtab_bridgedctl_plan___help_nargs=0
_shtab_bridgedctl_plan___json_nargs=0
_shtab_bridgedctl_explain_pos_0_nargs=+
_shtab_bridgedctl_explain__h_nargs=0
_shtab_bridgedctl_explain___help_nargs=0
_shtab_bridgedctl_explain___json_nargs=0
_shtab_bridgedctl_doctor__h_nargs=0
_shtab_bridgedctl_doctor___help_nargs=0
_shtab_bridgedctl_doctor___json_nargs=0
_shtab_bridgedctl_names__h_nargs=0
_shtab_bridgedctl_names___help_nargs=0
_shtab_bridgedctl_apply__h_nargs=0
_shtab_bridgedctl_apply___help_nargs=0
_shtab_bridgedctl_apply___json_nargs=0
_shtab_bridgedctl_confirm__h_nargs=0
_shtab_bridgedctl_confirm___help_nargs=0
_shtab_bridgedctl_rollback__h_nargs=0
_shtab_bridgedctl_rollback___help_nargs=0
_shtab_bridgedctl_history__h_nargs=0
_shtab_bridgedctl_history___help_nargs=0
_shtab_bridgedctl_history___json_nargs=0
_shtab_bridgedctl_pause_pos_0_nargs='*'
_shtab_bridgedctl_pause__h_nargs=0
_shtab_bridgedctl_pause___help_nargs=0
_shtab_bridgedctl_resume_pos_0_nargs='*'
_shtab_bridgedctl_resume__h_nargs=0
_shtab_bridgedctl_resume___help_nargs=0
_shtab_bridgedctl_validate__h_nargs=0
_shtab_bridgedctl_validate___help_nargs=0
_shtab_bridgedctl_schema__h_nargs=0
_shtab_bridgedctl_schema___help_nargs=0
_shtab_bridgedctl_schema___status_nargs=0
_shtab_bridgedctl_import__h_nargs=0
_shtab_bridgedctl_import___help_nargs=0
_shtab_bridgedctl_import___force_nargs=0
_shtab_bridgedctl_export__h_nargs=0
_shtab_bridgedctl_export___help_nargs=0
_shtab_bridgedctl_render_nad_pos_0_nargs='*'
_shtab_bridgedctl_render_nad__h_nargs=0
_shtab_bridgedctl_render_nad___help_nargs=0
_shtab_bridgedctl_render_nad___macspoofchk_nargs=0
_shtab_bridgedctl_render_kubeadm__h_nargs=0
_shtab_bridgedctl_render_kubeadm___help_nargs=0
_shtab_bridgedctl_render_cilium__h_nargs=0
_shtab_bridgedctl_render_cilium___help_nargs=0
_shtab_bridgedctl_render_pos_0_nargs=A...
_shtab_bridgedctl_render__h_nargs=0
_shtab_bridgedctl_render___help_nargs=0
_shtab_bridgedctl_pos_0_nargs=A...
_shtab_bridgedctl__h_nargs=0
_shtab_bridgedctl___help_nargs=0
_shtab_bridgedctl___version_nargs=0


# Custom Preamble

# $1=COMP_WORDS[1]
_shtab_cmd_compgen_d5d221c5() {
  compgen -W "$(bridgedctl names bridges 2>/dev/null)" -- $1
}

# $1=COMP_WORDS[1]
_shtab_cmd_compgen_ca0730a8() {
  compgen -W "$(bridgedctl names objects 2>/dev/null)" -- $1
}
# End Custom Preamble

# $1=COMP_WORDS[1]
_shtab_compgen_files() {
  compgen -f -- $1  # files
}

# $1=COMP_WORDS[1]
_shtab_compgen_dirs() {
  compgen -d -- $1  # recurse into subdirs
}

# $1=COMP_WORDS[1]
_shtab_replace_nonword() {
  echo "${1//[^[:word:]]/_}"
}

# set default values (called for the initial parser & any subparsers)
_set_parser_defaults() {
  local subparsers_var="${prefix}_subparsers[@]"
  sub_parsers=${!subparsers_var-}

  local current_option_strings_var="${prefix}_option_strings[@]"
  current_option_strings=${!current_option_strings_var}

  completed_positional_actions=0

  _set_new_action "pos_$completed_positional_actions" true
}

# $1=action identifier
# $2=positional action (bool)
# set all identifiers for an action's parameters
_set_new_action() {
  current_action="${prefix}_$(_shtab_replace_nonword $1)"

  local current_action_compgen_var=${current_action}_COMPGEN
  current_action_compgen="${!current_action_compgen_var-}"

  local current_action_choices_var="${current_action}_choices[@]"
  current_action_choices="${!current_action_choices_var-}"

  local current_action_nargs_var="${current_action}_nargs"
  if [ -n "${!current_action_nargs_var-}" ]; then
    current_action_nargs="${!current_action_nargs_var}"
  else
    current_action_nargs=1
  fi

  current_action_args_start_index=$(( $word_index + 1 - $pos_only ))

  current_action_is_positional=$2
}

# Notes:
# `COMPREPLY`: what will be rendered after completion is triggered
# `completing_word`: currently typed word to generate completions for
# `${!var}`: evaluates the content of `var` and expand its content as a variable
#     hello="world"
#     x="hello"
#     ${!x} -> ${hello} -> "world"
_shtab_bridgedctl() {
  local completing_word="${COMP_WORDS[COMP_CWORD]}"
  local previous_word="${COMP_WORDS[COMP_CWORD-1]}"
  local completed_positional_actions
  local current_action
  local current_action_args_start_index
  local current_action_choices
  local current_action_compgen
  local current_action_is_positional
  local current_action_nargs
  local current_option_strings
  local sub_parsers
  COMPREPLY=()

  local prefix=_shtab_bridgedctl
  local word_index=0
  local pos_only=0 # "--" delimiter not encountered yet
  _set_parser_defaults
  word_index=1

  # determine what arguments are appropriate for the current state
  # of the arg parser
  while [ $word_index -ne $COMP_CWORD ]; do
    local this_word="${COMP_WORDS[$word_index]}"

    if [[ $pos_only = 1 || " $this_word " != " -- " ]]; then
      if [[ -n $sub_parsers && " ${sub_parsers[@]} " == *" $this_word "* ]]; then
        # valid subcommand: add it to the prefix & reset the current action
        prefix="${prefix}_$(_shtab_replace_nonword $this_word)"
        _set_parser_defaults
      fi

      if [[ " ${current_option_strings[@]} " == *" $this_word "* ]]; then
        # a new action should be acquired (due to recognised option string or
        # no more input expected from current action);
        # the next positional action can fill in here
        _set_new_action $this_word false
      fi

      if [[ "$current_action_nargs" != "*" ]] && \
         [[ "$current_action_nargs" != "+" ]] && \
         [[ "$current_action_nargs" != "?" ]] && \
         [[ "$current_action_nargs" != *"..." ]] && \
         (( $word_index + 1 - $current_action_args_start_index - $pos_only >= \
            $current_action_nargs )); then
        $current_action_is_positional && let "completed_positional_actions += 1"
        _set_new_action "pos_$completed_positional_actions" true
      fi
    else
      pos_only=1 # "--" delimiter encountered
    fi

    let "word_index+=1"
  done

  # Generate the completions

  COMPREPLY=()
  if [[ $pos_only = 0 && "$completing_word" == -* &&
        ( -z "$current_action_compgen" || "$current_action_is_positional" = true ) ]]; then
    # optional argument started: use option strings
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_option_strings[*]}" -- "$completing_word")
  elif [[ "$previous_word" =~ ^[0-9\&]*[\<\>]\>?$ ]]; then
    # handle redirection operators
    compopt -o filenames 2>/dev/null || : # bash>=4
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$completing_word")
  else
    # use choices & compgen
    local action_compgen_word="$completing_word"
    # handle tab-completing in the middle of a line (#248 <- #116)
    [[ -n "$current_action_compgen" && "$completing_word" == -* ]] && action_compgen_word=""
    [ -n "$current_action_compgen" ] && {
      [[ "$current_action_compgen" =~ _(file|dir|glob|FILE|DIR|GLOB)|File|Dir|Glob ]] &&
        compopt -o filenames 2>/dev/null || : # bash>=4
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        "$current_action_compgen" "$action_compgen_word")
    }
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_action_choices[*]}" -- "$completing_word")
  fi

  if [[ ${#COMPREPLY[@]} = 0 ]]; then
    # native fallback matches are not necessarily filenames (e.g. variables)
    compopt +o filenames 2>/dev/null || : # bash>=4
  fi

  return 0
}

complete -o bashdefault -F _shtab_bridgedctl bridgedctl
