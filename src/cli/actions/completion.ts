import { GatewayError } from '../../lib/gateway-error.ts';
import { writeEnvelope, type CliContext } from '../context.ts';

// The scripts know nothing of the commands: they ask `breakwater __complete`, so they stay right after an update.
const scripts: { readonly [shell: string]: string } = {
  bash: `_breakwater() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then compopt -o default; else COMPREPLY+=("\${line%%$'\\t'*}"); fi
  done < <(breakwater __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _breakwater breakwater
`,
  zsh: `#compdef breakwater
_breakwater() {
  local line
  local -a items
  for line in "\${(@f)$(breakwater __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then _files
    elif [[ -n $line ]]; then items+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  (( $#items )) && _describe breakwater items
}
compdef _breakwater breakwater
`,
  fish: `function __breakwater_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (breakwater __complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c breakwater -f -a "(__breakwater_complete)"
`,
};

export function runCompletion(shell: string, context: CliContext): number {
  const script = scripts[shell];
  if (script === undefined) throw new GatewayError('E_USAGE', `there is no completion for \`${shell}\``);
  if (context.json) writeEnvelope(context, 'completion', { shell, script });
  else context.io.stdout.write(script);
  return 0;
}
