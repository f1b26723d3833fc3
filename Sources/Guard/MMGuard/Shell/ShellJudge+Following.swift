internal import MMCore
import ShellSyntax

/// What earlier commands of a text set for later ones.
extension ShellJudge {
    /// Puts the values of variables that this text set in the place of their names at the start of words: `$H/x`.
    func expand(_ call: inout ShellScript.Command) {
        guard !variables.isEmpty else { return }
        for index in call.words.indices where !call.words[index].isFixed {
            let word = call.words[index]
            guard word.value.contains("$"), let whole = expanded(word.value) else { continue }
            // It stays a word that the shell puts together: whether the assignment was reached nobody can say.
            call.words[index].value = whole
        }
    }

    /// A word with the values of known variables.
    /// - Returns: `nil` where nothing is known of it.
    private func expanded(_ text: String) -> String? {
        var result = ""
        var rest = text[...]
        var isKnown = false
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            var name = rest[rest.index(after: dollar)...]
            let isBraced = name.hasPrefix("{")
            if isBraced { name = name.dropFirst() }
            let end = name.firstIndex { !$0.isASCII || !($0.isLetter || $0.isNumber || $0 == "_") } ?? name.endIndex
            let word = String(name[..<end])
            var after = name[end...]
            let closes = !isBraced || after.hasPrefix("}")
            if isBraced, closes { after = after.dropFirst() }
            if closes, let value = variables[word] {
                result += value
                rest = after
                isKnown = true
            } else {
                result += "$"
                rest = rest[rest.index(after: dollar)...]
            }
        }
        return isKnown ? result + rest : nil
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
        remember(call)
        guard ["cd", "pushd"].contains(call.program) else { return }
        let target = call.arguments.first { !$0.value.hasPrefix("-") }?.value ?? "~"
        if let path = context.path(target) { context.directory = path }
    }

    /// Variables that a text only ever sets to the name of a new temporary file or folder.
    static func scratchVariables(_ script: ShellScript) -> Set<String> {
        var made: Set<String> = []
        var other = Set(script.bindings.map(\.name.value))
        for call in script.commands {
            let words =
                ["local", "declare", "readonly", "export", "typeset"].contains(call.program)
                ? Array(call.arguments) : []
            for word in call.assignments + words {
                guard let equals = word.value.firstIndex(of: "=") else { continue }
                let name = String(word.value[..<equals])
                let value = word.value[word.value.index(after: equals)...]
                let isNew =
                    value.hasPrefix("$(mktemp") && value.hasSuffix(")") && !value.dropFirst(2).contains("$")
                    && !value.dropFirst(8).dropLast().contains { ";|&`()<>\n".contains($0) }
                if isNew { made.insert(name) } else { other.insert(name) }
            }
            if ["read", "printf", "mapfile", "readarray", "getopts"].contains(call.program) {
                other.formUnion(call.arguments.map(\.value))
            }
        }
        return made.subtracting(other)
    }

    /// Whether a word is a new temporary file or folder of this text, or lies in one.
    func isScratch(_ word: ShellScript.Word) -> Bool {
        guard word.value.hasPrefix("$"), !word.value.contains("..") else { return false }
        return scratch.contains { name in
            for start in ["$" + name, "${" + name + "}"] where word.value.hasPrefix(start) {
                let rest = word.value.dropFirst(start.count)
                if rest.isEmpty || rest.hasPrefix("/") && !rest.contains("$") && !rest.contains("`") { return true }
            }
            return false
        }
    }

    /// What a command writes that says it plainly: `echo`, `printf`, `cat` of a here-document.
    func output(of call: ShellScript.Command) -> String? {
        let words = Array(call.arguments)
        switch call.program {
        case "cat":
            guard words.allSatisfy({ $0.value == "-" }), !call.readsPipe, isPlainDocument(call) else { return nil }
            return call.document
        case "echo":
            guard words.allSatisfy(\.isFixed), words.first?.value != "-e", words.first?.value != "-ne",
                words.first?.value != "-en", !words.contains(where: { $0.value.contains("\\") })
            else { return nil }
            let isBare = words.first?.value == "-n"
            return words.dropFirst(isBare ? 1 : 0).map(\.value).joined(separator: " ") + (isBare ? "" : "\n")
        case "printf":
            guard words.allSatisfy(\.isFixed), let format = words.first?.value else { return nil }
            let lines = format.replacing("\\n", with: "\n").replacing("\\t", with: "\t")
            if words.count == 1, !lines.contains("\\"), !lines.contains("%") { return lines }
            if ["%s\n", "%s"].contains(lines) {
                return words.dropFirst().map { $0.value + lines.dropFirst(2) }.joined()
            }
            return nil
        default: return nil
        }
    }

    /// Whether the here-document of a command is what stands in the text, with nothing put in.
    func isPlainDocument(_ call: ShellScript.Command) -> Bool {
        guard let text = call.document else { return false }
        guard let input = call.redirections.last(where: { [.hereDocument, .hereString].contains($0.kind) }) else {
            return true
        }
        if input.kind == .hereString { return input.target.isFixed }
        return input.target.bytesBeforeQuote != nil || !text.contains("$") && !text.contains("`")
    }
}
