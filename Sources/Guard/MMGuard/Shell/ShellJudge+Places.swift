internal import MMCore
import ShellSyntax

/// Places that a text doesn't say. Where nothing but the guard stands between a command and the machine, what changes
/// something at a place that isn't known is judged as if it did so at one of the machine's own.
extension ShellJudge {
    /// A folder of the machine, which stands for every place that isn't known.
    static let anywhere = "/etc/anywhere"

    /// The same as a part of a word, whatever precedes it.
    private static let reachingAnywhere = "/../../../../../../../../../.." + anywhere

    /// Returns what a command is if the values in it that aren't known reach any place; `nil` if all are known, or
    /// walls say what can be reached.
    /// - Parameters:
    ///   - written: the command as it stands in the text.
    ///   - call: the same with the values that the text gives.
    func reaching(_ written: ShellScript.Command, _ call: ShellScript.Command) -> ShellScript.Command? {
        guard !context.hasWalls else { return nil }
        var reaching = call
        var isUnknown = false
        func reached(_ written: ShellScript.Word, _ word: ShellScript.Word) -> ShellScript.Word {
            guard let place = place(of: written) else { return word }
            isUnknown = true
            var reached = word
            // The words that the value may be besides are judged where it isn't known.
            (reached.value, reached.isSplit) = (place, false)
            return reached
        }
        // A program that isn't known is asked about itself.
        for index in call.words.indices.dropFirst() where written.words.indices.contains(index) {
            reaching.words[index] = reached(written.words[index], call.words[index])
        }
        for index in call.redirections.indices where call.redirections[index].opensFile {
            let target = call.redirections[index].target
            reaching.redirections[index].target = reached(target, target)
        }
        return isUnknown ? reaching : nil
    }

    /// Judges a command at any place.
    func judge(reaching call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        guard record.allowance.admits(words: 1) else { return [] }
        var judge = self
        // Even where the folder isn't known, a word may lead out of it.
        judge.context.directory = context.directory ?? context.path("~") ?? "/"
        let changes = judge.judge(call, depth).contains { $0.rule == ShellRule.device.rawValue }
        return changes ? [reachesAnywhere(call)] : []
    }

    /// Returns findings in a folder that isn't known.
    func reachingAnywhere(_ found: [GuardFinding], _ call: ShellScript.Command) -> [GuardFinding] {
        guard context.directory?.hasPrefix(Self.anywhere) == true else { return found }
        return found.map { $0.rule == ShellRule.device.rawValue ? reachesAnywhere(call) : $0 }
    }

    private func reachesAnywhere(_ call: ShellScript.Command) -> GuardFinding {
        finding(
            .dynamic, subject: call.words.isEmpty ? ">" : call.program,
            more: ": the text doesn't say where something changes")
    }

    /// Returns a word that reaches a place of the machine, or any place, through the values in it; `nil` if it does so
    /// with none of them.
    private func place(of word: ShellScript.Word) -> String? {
        if !word.hasNoPattern, Self.namesOtherHome(word.value) { return Self.anywhere }
        guard !word.isFixed else { return nil }
        return texts(of: word).first { text in
            let value = text.hasPrefix("-") ? text.dropFirst(2) : text[...]
            return text.contains(Self.anywhere) || isOfMachine(String(value))
                || isOfMachine(String(text.drop { $0 != "=" }.dropFirst()))
        }
    }

    /// Returns whether a text begins with the home folder of a user: `~bin/ls`, `~-`.
    private static func namesOtherHome(_ text: String) -> Bool {
        text.hasPrefix("~") && text != "~" && !text.hasPrefix("~/")
    }

    /// Returns whether a word may be any option, because the text doesn't give its beginning, or its name.
    func mayBeOption(_ word: ShellScript.Word) -> Bool {
        let text = word.value
        if !word.hasNoPattern, Self.mayBeginOption(text) { return true }
        let isOpen = text.hasPrefix("$") || text.hasPrefix("-") && text.prefix { $0 != "=" }.contains("$")
        guard !word.isFixed, isOpen, !isProcess(word), !isPath(text) else { return false }
        // Behind a dash, values that are known are judged in turn.
        if text.hasPrefix("-") { return texts(of: word).contains { $0.contains(Self.anywhere) } }
        return texts(of: word).contains { $0.hasPrefix(Self.anywhere) || Self.mayBeginOption($0) }
    }

    /// Returns whether a word may be followed by any option, because the shell makes several words of a value without
    /// quotes: `find ./$d`.
    func mayAddOption(_ word: ShellScript.Word) -> Bool {
        guard word.isSplit, !word.isFixed, !isProcess(word), !isPath(word.value) else { return false }
        return given.lasting.contains("IFS")
            || texts(of: word).contains { text in
                // What matches a pattern may contain spaces.
                text.contains(Self.anywhere) || text.contains { "*?[".contains($0) }
                    || text.split(whereSeparator: \.isWhitespace).dropFirst().contains(where: Self.mayBeginOption)
            }
    }

    /// Returns whether a word may be or be followed by any option, rather than by one that is the name of a file in
    /// the current folder.
    func mayBeAnyOption(_ word: ShellScript.Word) -> Bool {
        guard !word.isFixed, mayBeOption(word) || mayAddOption(word) else { return false }
        return texts(of: word).contains { word.isSplit ? $0.contains(Self.anywhere) : $0.hasPrefix(Self.anywhere) }
            || word.value.hasPrefix("-")
    }

    /// Returns whether a text begins like an option, or like a pattern for files, whose names may be options.
    private static func mayBeginOption(_ text: some StringProtocol) -> Bool {
        text.first.map { "-*?[".contains($0) } == true && text != "-"
    }

    /// Returns whether a word is only the output of a program that shows whole paths, or below it. Names with spaces
    /// may be several words behind it.
    private func isPath(_ text: String) -> Bool {
        guard
            let giver = ["which", "realpath", "readlink -f", "readlink -e"].first(where: {
                text.hasPrefix("$(\($0) ")
            }), let program = giver.split(separator: " ").first.map(String.init),
            !record.memory.functions.contains(program), !record.memory.aliases.contains(program)
        else { return false }
        let expansion = Self.expansion(text[...])
        let rest = text[expansion.endIndex...]
        guard rest.isEmpty || rest.hasPrefix("/") else { return false }
        let inside = expansion.dropFirst(giver.count + 3).dropLast()
        return isPath(String(inside))
            || inside.split(separator: " ").allSatisfy { name in
                !name.hasPrefix("-") && name.allSatisfy { $0.isLetter || $0.isNumber || "/._-+~".contains($0) }
            }
    }

    /// Returns where a path leads from a folder that isn't known, if it leads out of it: that may be just below the
    /// root.
    static func climbed(_ word: String) -> String {
        var parts: [Substring] = []
        var isOutside = false
        for part in word.split(separator: "/") where part != "." {
            if part != ".." { parts.append(part) } else if parts.popLast() == nil { isOutside = true }
        }
        return isOutside ? "/" + parts.joined(separator: "/") : word
    }

    /// Returns whether a word may lead to the folder above another one.
    func climbs(_ word: ShellScript.Word) -> Bool {
        texts(of: word).contains { $0.split(separator: "/").contains("..") }
    }

    /// Returns the place that a word names, as an operand or as the value of its option: `--tmpdir=/srv`, `-p/srv`.
    static func place(in word: String) -> String {
        guard word.hasPrefix("-") else { return word }
        return word.hasPrefix("--") ? LongOption.value(in: word) ?? "" : String(word.dropFirst(2))
    }

    /// Returns the places that a copying command may fill: its last operand, and the folders that options name.
    static func places(filledBy call: ShellScript.Command) -> [String] {
        let words = call.arguments.map(\.value)
        // rsync keeps the times with this letter.
        let folders = call.program == "rsync" ? [] : targetFolders(words)
        return words.filter { !$0.hasPrefix("-") }.suffix(1) + folders
    }

    /// Returns whether hidden files come into a home itself: `cp /tmp/.x ~`, `rsync -a /tmp/a/ ~`.
    func bringsHidden(_ call: ShellScript.Command, to place: String) -> Bool {
        guard isHome(place) else { return false }
        return call.arguments.map(\.value).contains { word in
            word != place && (word.hasSuffix("/") || word.split(separator: "/").last?.hasPrefix(".") == true)
                || OptionLetters.word(word, hasOneOf: "T") || LongOption.word(word, mayBe: "--no-target-directory")
        }
    }

    /// Returns whether a command makes names for files that exist elsewhere: `ln -s /etc/cron.d /tmp/x`, `cp -as`.
    static func makesLinks(_ call: ShellScript.Command) -> Bool {
        if call.program == "ln" { return true }
        return call.program == "cp"
            && call.arguments.contains { word in
                LongOption.word(word.value, mayBeOneOf: ["--link", "--symbolic-link"])
                    || OptionLetters.word(word.value, hasOneOf: "ls", valued: "St")
            }
    }

    /// Returns whether with this option a packer still only changes the files that are named, where they are.
    static func packsInPlace(_ option: String) -> Bool {
        if option.hasPrefix("--") {
            let name = option.dropFirst(2).prefix { $0 != "=" }
            return !option.contains("/") && ShellWords.contains(String(name), in: "packing")
        }
        return option.dropFirst().allSatisfy { $0.isNumber || "cdefhklnpqtTvz".contains($0) }
    }

    /// Returns the texts for which a word may stand. A value that isn't known is one that reaches any place.
    func texts(of word: ShellScript.Word, depth: Int = 0) -> [String] {
        guard !word.isFixed else { return [word.value] }
        var texts = [""]
        var rest = word.value[...]
        while let start = rest.firstIndex(of: "$") {
            let (before, expansion) = (rest[..<start], Self.expansion(rest[start...]))
            rest = rest[expansion.endIndex...]
            let values = values(of: expansion, before: rest, depth)
            guard let values, texts.count * values.count <= 64 else {
                let isStart = before.isEmpty && texts == [""] || before.hasSuffix("=")
                texts = [(texts.first ?? "") + before + (isStart ? Self.anywhere : Self.reachingAnywhere)]
                continue
            }
            texts = texts.flatMap { text in values.map { text + before + $0 } }
        }
        return texts.map { $0 + rest }
    }

    /// The values that stand for a part of a name that is none of the machine's. A command that fails shows nothing.
    private static let part = ["0", ""]
    /// Those for the last part of a path, which may be the name of a folder in the root, or begin with a dash
    /// and contain spaces.
    private static let lastPart = part + ["etc", "- -x"]

    /// Returns the values that an expansion may have; `nil` if it may name another place than the rest of its word.
    /// - Parameter rest: the part of the word behind it.
    private func values(of expansion: Substring, before rest: Substring, _ depth: Int) -> [String]? {
        // A dollar sign alone is a letter; before a quote, it isn't there.
        if expansion == "$" { return rest.hasPrefix("/") ? nil : [String(expansion)] }
        if let name = Self.name(in: expansion) {
            if name == "HOME" { return [context.path("~") ?? "~"] }
            if name == "PWD" { return current(depth) }
            if let known = known(name, depth) { return known }
            return ShellWords.contains(name, in: "numbered-variables") ? Self.part : nil
        }
        if expansion.hasPrefix("$((") || ["$?", "$#", "$$", "$!"].contains(expansion) { return Self.part }
        // The last part of a path may be `..`.
        if expansion.hasPrefix("${") { return rest.contains("/") ? nil : parts(by: expansion, depth) }
        return expansion.hasPrefix("$(") ? output(of: expansion, before: rest, depth) : nil
    }

    /// Returns the path of the folder in which the text is; `nil` in a value that may have been given in another one.
    private func current(_ depth: Int) -> [String]? { depth > 0 && given.moves ? nil : ["."] }

    /// Returns the values that this text gives a variable; `nil` if it may have others.
    private func known(_ name: String, _ depth: Int) -> [String]? {
        guard depth < Self.deepest, record.allowance.admits(words: 1), let values = given.values(of: name) else {
            return nil
        }
        let texts = values.flatMap { value in
            var judge = self
            judge.given = given.before(value)
            return judge.texts(of: value.word, depth: depth + 1)
        }
        let isPlain = texts.count <= 64 && !texts.contains { $0.contains(Self.anywhere) || Self.namesOtherHome($0) }
        return isPlain ? texts : nil
    }

    /// Returns a text like the output of a command in a word; `nil` if it may name another place.
    private func output(of expansion: Substring, before rest: Substring, _ depth: Int) -> [String]? {
        let text = expansion.dropFirst(2).dropLast()
        let words = text.split(separator: " ")
        guard let program = words.first.map(String.init), !record.memory.functions.contains(program),
            !record.memory.aliases.contains(program), !text.contains(where: { ";|&<>\n(".contains($0) })
        else { return nil }
        if text == "pwd" { return current(depth) }
        if program == "basename" { return rest.contains("/") ? nil : Self.lastPart }
        if program == "mktemp" { return makesNew(words.dropFirst()) ? ["/tmp/new"] : nil }
        guard ShellWords.contains(program, in: "partless-outputs"),
            text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || " _+%:.,=-'\"".contains($0)) })
        else { return nil }
        // Their formats may say anything: `date +..`, `seq -f etc%g 1`.
        let isPlain =
            switch program {
            case "date": text.lastIndex(of: "+").map { Self.showsNumbers(text[$0...].dropFirst()) } ?? true
            case "seq": words.dropFirst().allSatisfy { $0 == "-w" || !$0.contains(where: \.isLetter) }
            default: true
            }
        return isPlain ? Self.part : nil
    }

    /// Returns whether `mktemp` certainly makes something below the temporary folder: where it fails, it shows nothing,
    /// and what follows it in a word begins at the root.
    private func makesNew(_ words: ArraySlice<Substring>) -> Bool {
        !given.sets("TMPDIR")
            && words.allSatisfy { word in
                if ["-d", "-q", "-t", "-dt", "-td", "--directory", "--tmpdir"].contains(word) { return true }
                let name = word.hasPrefix("/tmp/") ? word.dropFirst(5) : word
                return name.contains("XXX") && !name.hasPrefix("-")
                    && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
            }
    }

    /// Returns whether a format of `date` shows a number, and nothing else but marks and the names of days and months.
    private static func showsNumbers(_ format: Substring) -> Bool {
        var rest = format
        var isShown = false
        while let next = rest.popFirst() {
            guard next == "%" else {
                guard next.isNumber || "_-.:,TZ' \"".contains(next) else { return false }
                continue
            }
            rest = rest.drop { $0.isNumber || "-_^#:".contains($0) }
            guard let letter = rest.popFirst(), "FTRYGCymdejHIklMSsNuwVUWgaAbBhz".contains(letter) else { return false }
            isShown = true
        }
        return isShown
    }

    /// Returns the values of an expansion that removes all folders of a path, `${x##*/}`, or the end of a known path
    /// below the current folder: `${x%.txt}`.
    private func parts(by expansion: Substring, _ depth: Int) -> [String]? {
        let name = expansion.dropFirst(2).prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
        let change = expansion.dropFirst(2 + name.count)
        if change == "##*/}" { return Self.lastPart }
        guard change.hasPrefix("%"), !change.contains(where: { "$'\"\\".contains($0) }),
            let texts = known(String(name), depth),
            !texts.contains(where: { $0.hasPrefix("/") || $0.hasPrefix("~") || $0.contains("..") })
        else { return nil }
        return texts + [""]
    }

    /// Returns the name of the variable that an expansion stands for, without any change to its value.
    private static func name(in expansion: Substring) -> String? {
        let isBraced = expansion.hasPrefix("${") && expansion.hasSuffix("}")
        let name = isBraced ? expansion.dropFirst(2).dropLast() : expansion.dropFirst()
        guard let first = name.first, first == "_" || first.isASCII && first.isLetter,
            name.allSatisfy({ $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) })
        else { return nil }
        return String(name)
    }

    /// Returns the expansion at the start of a text: `$x`, `${x…}` or `$(…)`.
    private static func expansion(_ text: Substring) -> Substring {
        let next = text.dropFirst().first
        if let next, let closing: Character = ["(": ")", "{": "}", "[": "]"][next] {
            var open = 0
            var quote: Character?
            var isEscaped = false
            for index in text.indices.dropFirst() {
                let letter = text[index]
                if isEscaped || letter == "\\" && quote != "'" {
                    isEscaped.toggle()
                } else if letter == quote {
                    quote = nil
                } else if quote == nil {
                    if "'\"".contains(letter) { quote = letter }
                    if letter == next { open += 1 }
                    if letter == closing { open -= 1 }
                    if open == 0 { return text[...index] }
                }
            }
            return text
        }
        let name = text.dropFirst().prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
        if let first = name.first { return text.prefix(first.isNumber ? 2 : name.count + 1) }
        return text.prefix(next.map { "@*#?!$-'\"".contains($0) } == true ? 2 : 1)
    }
}
