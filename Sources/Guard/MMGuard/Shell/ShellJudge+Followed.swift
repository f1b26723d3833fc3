internal import MMCore
import ShellSyntax

/// The effects of a text's commands on its later ones.
extension ShellJudge {
    /// Replaces names of variables at the start of words, as in `$H/x`, with the values that this text set.
    func expand(_ call: inout ShellScript.Command) {
        guard !variables.isEmpty else { return }
        for index in call.words.indices where !call.words[index].isFixed {
            let word = call.words[index]
            guard word.value.contains("$"), let whole = expanded(word.value) else { continue }
            // The word still isn't fixed, because the assignment may not have been reached.
            call.words[index].value = whole
        }
    }

    /// Returns a word with the values of known variables.
    /// - Returns: `nil` if none of its variables are known.
    func expanded(_ text: String) -> String? { Self.expanded(text) { variables[$0] } }

    /// Returns a word with the values that a function gives for the names of its variables.
    /// - Returns: `nil` if it gives none.
    static func expanded(_ text: String, _ value: (String) -> String?) -> String? {
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
            if closes, let value = value(word) {
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

    /// Records what a command changes for later ones: variables, the directory.
    /// - Parameters:
    ///   - reaching: what it is if the values in it that aren't known reach any place.
    ///   - isOnce: whether its shell runs it once at most.
    mutating func follow(_ call: ShellScript.Command, reaching: ShellScript.Command?, isOnce: Bool) {
        // In a function, the other builtins that declare variables set one of its own.
        let assigned =
            call.words.isEmpty
            ? call.assignments : ["export", "readonly"].contains(call.program) ? Array(call.arguments) : []
        for assignment in assigned {
            guard let equals = assignment.value.firstIndex(of: "=") else { continue }
            let value = String(assignment.value[assignment.value.index(after: equals)...])
            // The home folder is the only variable whose value is known without a shell.
            let isKnown =
                assignment.isFixed || ["$HOME", "${HOME}"].contains { value == $0 || value.hasPrefix($0 + "/") }
            variables[String(assignment.value[..<equals])] = isKnown ? value : nil
        }
        remember(call)
        note(exportedBy: call)
        if !context.hasWalls, record.memory.hasMovingFunction, record.memory.functions.contains(call.program) {
            context.directory = Self.anywhere
            return
        }
        guard Self.entersFolder(call) else { return }
        let words = GivenValues.withoutRelays((reaching ?? call).words)
        let folder = words.dropFirst().first { !$0.value.hasPrefix("-") || $0.value == "-" }
        let goesBack =
            switch words.first?.value {
            case "popd": true
            case "pushd": folder.map { $0.value.hasPrefix("+") } ?? true
            default: folder?.value == "-"
            }
        guard !context.hasWalls else {
            if !goesBack { enter(folder?.value ?? "~") }
            return
        }
        // Where a command may not have been reached, or the folder may not exist, the text is still in the one before.
        let isLeft = call.isCertain && Self.exists(folder?.value ?? "~")
        guard isLeft || context.directory.map(isSystem) != true else { return }
        let isKnown =
            folder.map { word in
                // What runs more than once may climb as often.
                (word.hasNoPattern || word.value.hasPrefix("~")) && !(!isOnce && climbs(word))
            } ?? true
        // Before the command may stand the folder in which it looks for another one.
        let isElsewhere = call.assignments.contains { ["CDPATH=", "HOME="].contains(where: $0.value.hasPrefix) }
        enter(isKnown && !goesBack && !isElsewhere ? folder?.value ?? "~" : Self.anywhere)
    }

    /// Returns whether a command is one of the builtins that enter another folder.
    static func entersFolder(_ call: ShellScript.Command) -> Bool {
        GivenValues.withoutRelays(call.words).first.map { ["cd", "pushd", "popd"].contains($0.value) } ?? false
    }

    /// Returns whether each machine has a folder.
    private static func exists(_ folder: String) -> Bool { ["~", "$HOME", "/", "/tmp", "/var/tmp"].contains(folder) }

    /// Judges what follows in another folder, if a word says which.
    mutating func enter(_ folder: String) {
        let path = context.path(folder) ?? Self.climbed(folder)
        if path.hasPrefix("/") { context.directory = path }
    }

    /// Returns the variables of a text that is a loop over plain words, or loops directly within each other, in which
    /// nothing else can set them: `for p in 22 80; do … "$p"; done`.
    func loopVariables(_ text: String, _ script: ShellScript) -> [String: [String]] {
        guard text.hasPrefix("for "), let done = text.firstRange(of: "done"), script.functions.isEmpty,
            let last = script.bindings.map(\.name.offset).max(), script.commands.allSatisfy({ $0.offset > last })
        else { return [:] }
        // Behind the end of the innermost loop stand only those of the others, and what filters the output of all.
        var rest = text[done.upperBound...].drop { " ;\n".contains($0) }
        var ends = 1
        while rest.hasPrefix("done") {
            rest = rest.dropFirst(4).drop { " ;\n".contains($0) }
            ends += 1
        }
        guard ends == script.bindings.count, rest.isEmpty || rest.hasPrefix("|"),
            !rest.contains(where: { "$`;&\n".contains($0) }), rest.firstRange(of: "done") == nil
        else { return [:] }
        var words: [String: [String]] = [:]
        for binding in script.bindings {
            let values = binding.values.map(\.value)
            let isPlain = values.allSatisfy { word in
                word.first.map { $0.isLetter || $0.isNumber } == true
                    && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._:-".contains($0)) }
            }
            guard isPlain, !values.isEmpty, values.count <= 20 else { return [:] }
            words[binding.name.value] = values
        }
        let mayBeSet = script.commands.contains { call in
            ["eval", "source", ".", "trap", "alias", "exec"].contains(call.program)
                || record.memory.functions.contains(call.name)
                || (call.words + call.assignments).contains { word in
                    words.keys.contains { word.value == $0 || word.value.hasPrefix($0 + "=") }
                }
        }
        return mayBeSet ? [:] : words
    }

    /// Returns what a command is with the values of its variables, where they make an option of one of its words, or
    /// name a place of the machine, a file with secrets or one of mm's own: `for f in /etc/hosts; do cp x "$f"; done`.
    /// - Parameter values: the values that loops and expansions give variables.
    func turns(of call: ShellScript.Command, _ values: [String: [ShellScript.Word]]) -> [ShellScript.Command] {
        // What this text assigns has been filled in already.
        var turns = [turn(of: call) { _ in nil }].compactMap(\.self)
        guard !values.isEmpty else { return turns }
        let words = (call.words + call.redirections.map(\.target)).filter { !$0.isFixed }
        for name in Set(words.flatMap { Self.variables(in: $0.value) }) {
            // Numbers alone name nothing, but behind a dash they are options.
            let isOption = words.contains { $0.value.hasPrefix("-") }
            for value in values[name] ?? [] where value.isFixed && (isOption || !value.value.allSatisfy(\.isNumber)) {
                guard record.allowance.admits(words: 1) else { return turns }
                if let turn = turn(of: call, { $0 == name ? value.value : nil }) { turns.append(turn) }
            }
        }
        return turns
    }

    /// Returns what a command is with the other values that its variables may have there than the last ones before it:
    /// `a=-delete; [ "$1" ] && a=-print; find . $a`. `nil` if these are too many.
    /// - Parameters:
    ///   - written: the command as it stands in the text.
    ///   - call: the same with the last values.
    func otherwise(_ written: ShellScript.Command, _ call: ShellScript.Command) -> [ShellScript.Command]? {
        var turns = [call]
        for index in call.words.indices.reversed() where !written.words[index].isFixed {
            let isFilled = call.words[index].value != written.words[index].value
            if !isFilled, context.hasWalls || !tellsValues(of: written.words[index]) { continue }
            let choices = choices(for: written.words[index])
            // A loop's many values are judged where they mean something of note.
            if !isFilled, choices.count > 2 { continue }
            guard turns.count * choices.count <= 256 else { return nil }
            turns = turns.flatMap { turn in
                choices.map { choice in
                    var turn = turn
                    turn.words.replaceSubrange(index...index, with: choice)
                    return turn
                }
            }
        }
        return turns.filter { $0.words.map(\.value) != call.words.map(\.value) }
    }

    /// Returns whether this text gives all values of a word, and each is plain.
    private func tellsValues(of word: ShellScript.Word, _ depth: Int = 0) -> Bool {
        if word.isFixed { return true }
        let names = Self.variables(in: word.value)
        guard depth < Self.deepest, record.allowance.admits(words: 1), !names.isEmpty, !names.contains(""),
            !word.value.contains("(")
        else { return false }
        return names.allSatisfy { name in
            given.values(of: name)?.allSatisfy { value in
                var judge = self
                judge.given = given.before(value)
                return judge.tellsValues(of: value.word, depth + 1)
            } == true
        }
    }

    /// Returns the words for which one may stand.
    private func choices(for word: ShellScript.Word) -> [[ShellScript.Word]] {
        var texts = texts(of: word)
        // Nothing is known of it then, not even that it is no option; the text may still have given it a value.
        if texts.contains(where: { $0.contains(Self.anywhere) }) {
            texts = [word.value]
            for name in Set(Self.variables(in: word.value)) {
                texts += given.assigned(to: name).compactMap { value in
                    Self.expanded(word.value) { $0 == name ? value : variables[$0] }
                }
            }
        }
        return texts.map { text in
            let isOne = !word.isSplit || text == word.value
            return (isOne ? [text] : text.split(whereSeparator: \.isWhitespace).map(String.init)).map { text in
                var part = word
                part.value = text
                return part
            }
        }
    }

    /// Returns a command with values of its variables; `nil` if its words then mean nothing of note.
    private func turn(of call: ShellScript.Command, _ value: (String) -> String?) -> ShellScript.Command? {
        var turn = call
        var isNotable = false
        func filled(_ word: ShellScript.Word) -> [ShellScript.Word] {
            guard !word.isFixed else { return [word] }
            let text = Self.expanded(word.value, value) ?? word.value
            // Of a value without quotes a shell makes as many words as it has.
            let isOne = !word.isSplit || text.contains { "$`".contains($0) }
            let texts = isOne ? [text] : text.split { " \t\n".contains($0) }.map(String.init)
            guard texts != [word.value] else { return [word] }
            isNotable =
                isNotable
                || texts.contains { text in
                    // Behind a colon may stand a place on another host.
                    text.hasPrefix("-") || text.contains(":") || isOfMachine(text) || isSecret(text)
                        || context.isOwn(text)
                }
            return texts.map { text in
                var part = word
                part.value = text
                return part
            }
        }
        turn.words = turn.words.flatMap(filled)
        for index in turn.redirections.indices {
            let target = turn.redirections[index].target
            turn.redirections[index].target = filled(target).first ?? target
        }
        return isNotable ? turn : nil
    }

    /// Returns the names behind dollar signs.
    private static func variables(in text: String) -> [String] {
        text.split(separator: "$", omittingEmptySubsequences: false).dropFirst().map { part in
            String(part.drop { $0 == "{" }.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) })
        }
    }

    /// Returns the texts for which one stands in each turn of the loops around it; `nil` if it contains anything else
    /// that isn't known.
    func turns(of text: String) -> [String]? {
        var texts = [text]
        for (name, words) in looped {
            texts = texts.flatMap { text in
                words.map { word in
                    var turn = self
                    turn.variables = [name: word]
                    return turn.expanded(text) ?? text
                }
            }
            if texts.count > 100 { return nil }
        }
        return looped.isEmpty || texts.contains { $0.contains { "$`".contains($0) } } ? nil : texts
    }

    /// Returns the variables that a text sets only to paths of new temporary files or folders.
    static func scratchVariables(_ script: ShellScript) -> Set<String> {
        var made: Set<String> = []
        var other = Set(script.bindings.map(\.name.value))
        for call in script.commands {
            let words = Self.declaring.contains(call.program) ? Array(call.arguments) : []
            for word in call.assignments + words {
                guard let equals = word.value.firstIndex(of: "=") else { continue }
                let name = String(word.value[..<equals])
                let value = word.value[word.value.index(after: equals)...]
                let isNew =
                    value.hasPrefix("$(mktemp") && value.hasSuffix(")") && !value.dropFirst(2).contains("$")
                    && !value.dropFirst(8).dropLast().contains { ";|&`()<>\n".contains($0) }
                if isNew { made.insert(name) } else { other.insert(name) }
            }
            if Self.filling.contains(call.program) { other.formUnion(call.arguments.map(\.value)) }
            if let named = Self.variable(namedBy: call.program, call.arguments) { other.insert(named.value) }
        }
        return made.subtracting(other)
    }

    /// Returns whether a word is a new temporary file or folder of this text, or is in one.
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

    /// Returns the output of a command that shows it plainly: `echo`, `printf`, `cat` of a here-document.
    func output(of call: ShellScript.Command) -> String? {
        let words = Array(call.arguments)
        switch call.program {
        case ":", "true": return ""
        case "cat":
            guard words.allSatisfy({ $0.value == "-" }), !call.readsPipe, isPlainDocument(call) else { return nil }
            return call.document
        case "echo":
            guard words.allSatisfy(\.isFixed) else { return nil }
            if let first = words.first?.value, ["-e", "-ne", "-en"].contains(first) {
                let text = words.dropFirst().map(\.value).joined(separator: " ").replacing("\\n", with: "\n")
                    .replacing("\\t", with: "\t")
                return text.contains("\\") ? nil : text + (first == "-e" ? "\n" : "")
            }
            guard !words.contains(where: { $0.value.contains("\\") }) else { return nil }
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

    /// Returns whether a command's here-document is used literally, without substitutions.
    func isPlainDocument(_ call: ShellScript.Command) -> Bool {
        if case .text(_, let isFixed) = call.inputs[0] { isFixed } else { false }
    }
}
