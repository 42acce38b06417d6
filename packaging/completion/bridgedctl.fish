# made from bridgedctl's own options by: make generated
# Usage:
# 1) Copy this to ~/.config/fish/completions/bridgedctl.fish
# 2) Ensure a binary named bridgedctl is in your PATH
# See also: https://fishshell.com/docs/current/completions.html#where-to-put-completions


# Parse current commandline:
# - _shtab_bridgedctl_cmdpath=(sub)command path seen so far
# - _shtab_bridgedctl_npos=number of positional arguments given after it
# - options are skipped based on _shtab_bridgedctl_opts_with_value & _shtab_bridgedctl_commands lists
function _shtab_bridgedctl_scan
  set -g _shtab_bridgedctl_cmdpath ''
  set -g _shtab_bridgedctl_npos 0
  set -l tokens (commandline -opc)
  set -e tokens[1]
  set -l expect_value 0
  for t in $tokens
    if test $expect_value -eq 1
      set expect_value 0
      continue
    end
    switch "$t"
      case '--*=*'
        continue
      case '-*'
        if contains -- $t $_shtab_bridgedctl_opts_with_value
          set expect_value 1
        end
        continue
      case '*'
        if test $_shtab_bridgedctl_npos -eq 0
          set -l candidate $t
          if test -n "$_shtab_bridgedctl_cmdpath"
            set candidate "$_shtab_bridgedctl_cmdpath $t"
          end
          if contains -- $candidate $_shtab_bridgedctl_commands
            set -g _shtab_bridgedctl_cmdpath $candidate
            continue
          end
        end
        set -g _shtab_bridgedctl_npos (math $_shtab_bridgedctl_npos + 1)
    end
  end
end

# Condition helper: true if the current (sub)command path equals the given one.
function _shtab_bridgedctl_using
  _shtab_bridgedctl_scan
  test "$_shtab_bridgedctl_cmdpath" = "$argv"
end

set -g _shtab_bridgedctl_commands status ready graph plan explain doctor names apply confirm rollback history pause resume validate schema import export render 'render nad' 'render kubeadm' 'render cilium'
set -g _shtab_bridgedctl_opts_with_value --allow-disruption --confirm --for --format --from --hostname --label --name --namespace --nic --node --output --reason --since --socket --state --state-dir --type --vlan -n -o

complete -c bridgedctl -e
complete -c bridgedctl -f

complete -c bridgedctl -n _shtab_bridgedctl_using -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n _shtab_bridgedctl_using -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n _shtab_bridgedctl_using -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n _shtab_bridgedctl_using -l version -d 'print the version and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a status -d 'what is, what should be, what was repaired'
complete -c bridgedctl -n '_shtab_bridgedctl_using status' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using status' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using status' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using status' -l json -d 'JSON, for programs'
complete -c bridgedctl -n '_shtab_bridgedctl_using status' -l watch -s w -d 'again and again, with what changes, until Ctrl-C'
complete -c bridgedctl -n '_shtab_bridgedctl_using status; and test $_shtab_bridgedctl_npos -eq 0' -ka "(bridgedctl names bridges 2>/dev/null)" -d 'this bridge only, in full'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a ready -d 'whether this node is ready for KubeVirt, with each reason'
complete -c bridgedctl -n '_shtab_bridgedctl_using ready' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using ready' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using ready' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using ready' -l json -d 'JSON, for programs'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a graph -d 'what hangs on what: cards, VLANs, bridges, guests'
complete -c bridgedctl -n '_shtab_bridgedctl_using graph' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using graph' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using graph' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using graph' -l format -xka "tree dot svg" -d 'tree for the terminal (default), dot for Graphviz, svg for a browser'
complete -c bridgedctl -n '_shtab_bridgedctl_using graph; and test $_shtab_bridgedctl_npos -eq 0' -ka "(bridgedctl names bridges 2>/dev/null)" -d 'this bridge only'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a plan -d 'what would be done now, without doing it'
complete -c bridgedctl -n '_shtab_bridgedctl_using plan' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using plan' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using plan' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using plan' -l json -d 'JSON, for programs'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a explain -d 'one object: what is declared and where, what is, who else sets it'
complete -c bridgedctl -n '_shtab_bridgedctl_using explain' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using explain' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using explain' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using explain' -l json -d 'JSON, for programs'
complete -c bridgedctl -n '_shtab_bridgedctl_using explain; and test $_shtab_bridgedctl_npos -ge 0' -ka "(bridgedctl names objects 2>/dev/null)" -d 'br-lan, vlan/enp13s0f0.6, port enp13s0f3, module/kvm, sysctl net.ipv4.ip_forward'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a doctor -d 'whether this host is fit for bridged; looks, changes nothing'
complete -c bridgedctl -n '_shtab_bridgedctl_using doctor' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using doctor' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using doctor' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using doctor' -l json -d 'JSON, for programs'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a names -d 'names of what is declared, one a line, for scripts'
complete -c bridgedctl -n '_shtab_bridgedctl_using names' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using names' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using names' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using names; and test $_shtab_bridgedctl_npos -eq 0' -ka "objects bridges" -d of
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a apply -d 'do it now, and tell each step'
complete -c bridgedctl -n '_shtab_bridgedctl_using apply' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using apply' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using apply' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using apply' -l json -d 'JSON, for programs'
complete -c bridgedctl -n '_shtab_bridgedctl_using apply' -l allow-disruption -xka "(bridgedctl names bridges 2>/dev/null)" -d 'allow steps that take BRIDGE away from its guests, this once; `containerd` allows its restart'
complete -c bridgedctl -n '_shtab_bridgedctl_using apply' -l confirm -x -d 'take structural changes back unless they are confirmed within this time'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a confirm -d 'keep the changes that wait to be confirmed'
complete -c bridgedctl -n '_shtab_bridgedctl_using confirm' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using confirm' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using confirm' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a rollback -d 'take the changes that wait to be confirmed back'
complete -c bridgedctl -n '_shtab_bridgedctl_using rollback' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using rollback' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using rollback' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a history -d 'what was repaired, when, why and how fast'
complete -c bridgedctl -n '_shtab_bridgedctl_using history' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using history' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using history' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using history' -l since -x -d 'within this time only'
complete -c bridgedctl -n '_shtab_bridgedctl_using history' -s n -x -d 'the last N, 0 for all (20)'
complete -c bridgedctl -n '_shtab_bridgedctl_using history' -l json -d 'JSON, for programs'
complete -c bridgedctl -n '_shtab_bridgedctl_using history' -l state-dir -xka "(__fish_complete_path (commandline -ct))" -d 'where it is read while bridged is not running (/var/lib/bridged)'
complete -c bridgedctl -n '_shtab_bridgedctl_using history; and test $_shtab_bridgedctl_npos -eq 0' -ka "(bridgedctl names objects 2>/dev/null)" -d 'bridge/br-lan or br-lan: all about it'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a pause -d 'change nothing on the node, or on some bridges, for a while'
complete -c bridgedctl -n '_shtab_bridgedctl_using pause' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using pause' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using pause' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using pause' -l for -x -d 'for how long, up to 24h'
complete -c bridgedctl -n '_shtab_bridgedctl_using pause' -l reason -x -d 'why, for others to read'
complete -c bridgedctl -n '_shtab_bridgedctl_using pause; and test $_shtab_bridgedctl_npos -ge 0' -ka "(bridgedctl names bridges 2>/dev/null)" -d 'these only'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a resume -d 'end pauses ahead of their time'
complete -c bridgedctl -n '_shtab_bridgedctl_using resume' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using resume' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using resume' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using resume; and test $_shtab_bridgedctl_npos -ge 0' -ka "(bridgedctl names bridges 2>/dev/null)" -d 'these only'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a validate -d 'check a state file'
complete -c bridgedctl -n '_shtab_bridgedctl_using validate' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using validate' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using validate' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using validate' -l hostname -x -d 'judge `when:` for another node: its host name'
complete -c bridgedctl -n '_shtab_bridgedctl_using validate' -l label -x -d 'judge `when:` for another node: a label of it (repeatable)'
complete -c bridgedctl -n '_shtab_bridgedctl_using validate' -l nic -x -d 'judge `when:` for another node: an interface of it (repeatable)'
complete -c bridgedctl -n '_shtab_bridgedctl_using validate; and test $_shtab_bridgedctl_npos -eq 0' -ka "(__fish_complete_path (commandline -ct))" -d 'instead of the state file'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a schema -d 'print the JSON Schema of the state file'
complete -c bridgedctl -n '_shtab_bridgedctl_using schema' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using schema' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using schema' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using schema' -l status -d 'that of status --json instead'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a import -d 'write a state file for what this host, or an nmstate file, has'
complete -c bridgedctl -n '_shtab_bridgedctl_using import' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using import' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using import' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using import' -l from -xka "host nmstate nncp" -d 'nmstate: its YAML; nncp: NodeNetworkConfigurationPolicies; without it, this host'
complete -c bridgedctl -n '_shtab_bridgedctl_using import' -s o -l output -xka "(__fish_complete_path (commandline -ct))" -d 'write it there, not to stdout'
complete -c bridgedctl -n '_shtab_bridgedctl_using import' -l force -d 'also over a file that is there'
complete -c bridgedctl -n '_shtab_bridgedctl_using import; and test $_shtab_bridgedctl_npos -eq 0' -ka "(__fish_complete_path (commandline -ct))" -d 'what to read, - for stdin'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a export -d 'print the bridges of the state file for nmstate'
complete -c bridgedctl -n '_shtab_bridgedctl_using export' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using export' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using export' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using export' -l format -xka "nmstate nncp" -d format
complete -c bridgedctl -n '_shtab_bridgedctl_using export' -l name -x -d 'nncp: name of the policy (bridged)'
complete -c bridgedctl -n '_shtab_bridgedctl_using export' -l node -x -d 'nncp: for this node only'
complete -c bridgedctl -n '_shtab_bridgedctl_using; and test $_shtab_bridgedctl_npos -eq 0' -a render -d 'print what the state file says for Kubernetes'
complete -c bridgedctl -n '_shtab_bridgedctl_using render' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using render' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using render' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using render; and test $_shtab_bridgedctl_npos -eq 0' -a nad -d 'Multus NetworkAttachmentDefinitions'
complete -c bridgedctl -n '_shtab_bridgedctl_using render nad' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using render nad' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using render nad' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using render nad' -l namespace -x -d NS
complete -c bridgedctl -n '_shtab_bridgedctl_using render nad' -l vlan -x -d 'guests are in it'
complete -c bridgedctl -n '_shtab_bridgedctl_using render nad' -l type -xka "bridge cnv-bridge" -d 'name of the CNI plugin'
complete -c bridgedctl -n '_shtab_bridgedctl_using render nad' -l macspoofchk -d 'drop frames from other hardware addresses'
complete -c bridgedctl -n '_shtab_bridgedctl_using render nad; and test $_shtab_bridgedctl_npos -ge 0' -ka "(bridgedctl names bridges 2>/dev/null)" -d 'these only, not all'
complete -c bridgedctl -n '_shtab_bridgedctl_using render; and test $_shtab_bridgedctl_npos -eq 0' -a kubeadm -d 'kubeadm.conf, from the section kubernetes'
complete -c bridgedctl -n '_shtab_bridgedctl_using render kubeadm' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using render kubeadm' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using render kubeadm' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
complete -c bridgedctl -n '_shtab_bridgedctl_using render; and test $_shtab_bridgedctl_npos -eq 0' -a cilium -d 'cilium-values.yaml, from the section kubernetes'
complete -c bridgedctl -n '_shtab_bridgedctl_using render cilium' -s h -l help -d 'show this help message and exit'
complete -c bridgedctl -n '_shtab_bridgedctl_using render cilium' -l socket -xka "(__fish_complete_path (commandline -ct))" -d 'control socket (/run/bridged/control.sock)'
complete -c bridgedctl -n '_shtab_bridgedctl_using render cilium' -l state -xka "(__fish_complete_path (commandline -ct))" -d 'state file (/etc/bridged/state.yaml)'
