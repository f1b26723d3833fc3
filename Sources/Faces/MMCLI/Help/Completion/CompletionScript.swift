package import MMCore

/// Shell completion scripts. They ask `mm complete` for what may stand at the cursor, so that all shells offer the same, and
/// what there is now: connections, jobs, sessions.
package enum CompletionScript {
    /// Returns the completion script for a shell.
    /// - Parameter shell: `bash`, `zsh` or `fish`.
    /// - Throws: `MMError.invalidInput` for another shell.
    package static func text(for shell: String) throws(MMError) -> String {
        switch shell {
        case "bash": bash
        case "zsh": zsh
        case "fish": fish
        default:
            throw MMError(
                .invalidInput, "There is no completion for `\(shell.prefix(40))`.", hint: "bash, zsh or fish.")
        }
    }

    /// What the command prints in place of words where files may stand.
    package static let files = ":files"

    private static let bash = #"""
        _mm() {
          local cur="${COMP_WORDS[COMP_CWORD]}" line tab=$'\t' IFS=$'\n'
          COMPREPLY=()
          for line in $(mm complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
            if [ "$line" = :files ]; then
              compopt -o filenames 2>/dev/null
              COMPREPLY+=($(compgen -f -- "$cur"))
            else
              COMPREPLY+=("${line%%$tab*}")
            fi
          done
          # What ends with a slash goes on.
          [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == /*/ ]] && compopt -o nospace 2>/dev/null
        }
        complete -F _mm mm

        """#

    private static let zsh = #"""
        #compdef mm
        _mm() {
          local -a found open lines
          local line tab=$'\t' text wantsFiles=0
          lines=("${(@f)$(mm complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
          for line in $lines; do
            text=""
            [[ $line == *$tab* ]] && text=":${line#*$tab}"
            if [[ $line == :files ]]; then
              wantsFiles=1
            elif [[ ${line%%$tab*} == /*/ ]]; then
              open+=("${${line%%$tab*}//:/\\:}$text")
            else
              found+=("${${line%%$tab*}//:/\\:}$text")
            fi
          done
          (( $#found )) && _describe -V mm found
          (( $#open )) && _describe -V mm open -S ''
          (( wantsFiles )) && _files
        }
        if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _mm "$@"; else compdef _mm mm; fi

        """#

    private static let fish = #"""
        function __mm_complete
            set -l lines (mm complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
            for line in $lines
                if test "$line" = :files
                    __fish_complete_path (commandline -ct)
                else
                    echo $line
                end
            end
        end
        complete -c mm -e
        complete -c mm -f -a '(__mm_complete)'

        """#
}
