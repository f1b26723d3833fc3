import ShellSyntax

/// What earlier commands of a text set for later ones.
extension ShellJudge {
    /// Puts the values of variables that this text set in the place of their names at the start of words: `$H/x`.
    func expand(_ call: inout ShellScript.Command) {
        guard !variables.isEmpty else { return }
        for index in call.words.indices {
            let word = call.words[index]
            guard !word.isFixed, word.value.hasPrefix("$") else { continue }
            var name = word.value.dropFirst()
            let isBraced = name.hasPrefix("{")
            if isBraced { name = name.dropFirst() }
            let end = name.firstIndex { !$0.isASCII || !($0.isLetter || $0.isNumber || $0 == "_") } ?? name.endIndex
            var rest = name[end...]
            if isBraced {
                guard rest.hasPrefix("}") else { continue }
                rest = rest.dropFirst()
            }
            guard let value = variables[String(name[..<end])] else { continue }
            call.words[index].value = value + rest
        }
    }

    /// Remembers what a command sets for later ones: variables, the directory.
    mutating func follow(_ call: ShellScript.Command) {
        if call.words.isEmpty {
            for assignment in call.assignments {
                guard let equals = assignment.value.firstIndex(of: "=") else { continue }
                let value = String(assignment.value[assignment.value.index(after: equals)...])
                // The home folder is the one variable whose value is known without a shell.
                let isKnown =
                    assignment.isFixed || ["$HOME", "${HOME}"].contains { value == $0 || value.hasPrefix($0 + "/") }
                variables[String(assignment.value[..<equals])] = isKnown ? value : nil
            }
        }
        guard ["cd", "pushd"].contains(call.program) else { return }
        let target = call.arguments.first { !$0.value.hasPrefix("-") }?.value ?? "~"
        if let path = context.path(target) { context.directory = path }
    }
}
