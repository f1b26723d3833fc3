internal import MMCore
import ShellSyntax

/// Lines of the languages that programs run which are no shells: of editors and clients, of `sed` and `awk`, and the
/// rules of `make`.
extension ShellJudge {
    /// The words of such lines that write the text after them.
    private var writing: [String] {
        ["w", "save", "dump", "output", "log", "export", "out", "set logging", "tee", "s/", "o "]
    }

    /// Judges a command line of an editor, pager, debugger or client: `!` and a few words pass the rest to a shell.
    func editor(_ line: String, _ depth: Int) -> [GuardFinding] {
        guard depth < Self.deepest else { return [finding(.unreadable, subject: line)] }
        func shell(_ text: some StringProtocol) -> [GuardFinding] {
            handed(ShellScript.Word(String(text)), depth)
        }
        var found: [GuardFinding] = []
        let whole: Set = ["%d", "%delete", "%del", ",d", "1,$d", "g/./d", "g/^/d", "g/.*/d", "%d_", "%!true"]
        let everywhere = ["bufdo", "argdo", "windo", "tabdo", "silent!", "silent"]
        if line.split(separator: "|").contains(where: { part in
            let words = part.split { ": \t".contains($0) }.drop { everywhere.contains(String($0)) }
            return whole.contains(words.joined())
        }) {
            found.append(finding(.removes, subject: line))
        }
        if let mark = line.firstIndex(of: "!") { found += shell(line[line.index(after: mark)...].drop { $0 == "!" }) }
        let words = line.drop { ":.\\ \t%".contains($0) }
        for name in ["shell ", "system ", "sh ", "terminal ", "term ", "make ", "grep "] where words.hasPrefix(name) {
            found += shell(words.dropFirst(name.count))
        }
        if ["shell", "sh", "terminal", "term", "ter"].contains(words.prefix { $0.isLetter }), context.asksInterpreters {
            found.append(finding(.interpreter, subject: line))
        }
        if ["load ", "python", "py3", "py ", "lua ", "perl ", "ruby ", "source ", "so "].contains(
            where: words.hasPrefix)
        {
            let rest = words.drop { $0 != " " }
            found += findings(inScript: String(rest), of: "python3", depth)
            if words.hasPrefix("load ") { found.append(finding(.dynamic, subject: line)) }
        }
        if line.hasPrefix("\\") || line.hasPrefix("."), let pipe = line.firstIndex(of: "|") {
            found += shell(line[line.index(after: pipe)...])
        }
        if line.contains("system(") || line.contains("libcall(") || line.contains("job_start(") {
            found += findings(inScript: line, of: "awk", depth)
        }
        if line.contains("delete(") { found.append(finding(.removes, subject: line)) }
        if writing.contains(where: words.hasPrefix), let place = laterPlace(in: line) {
            found.append(finding(.device, subject: place))
        }
        return found
    }

    /// Judges a sed script, in which `e` runs a command and `w` writes a file.
    func stream(_ script: String, _ depth: Int) -> [GuardFinding] {
        // Some programs take the end of a class for the end of the brackets around it.
        let readings = script.contains("[:") ? [true, false] : [true]
        return readings.flatMap { stream(script, hasClasses: $0, depth) }
    }

    private func stream(_ script: String, hasClasses: Bool, _ depth: Int) -> [GuardFinding] {
        var found: [GuardFinding] = []
        var rest = Array(script.utf8)[...]
        // The next option may go on with the text.
        if Self.goesOn(rest) { found.append(finding(.dynamic, subject: "sed -e")) }
        while let first = rest.first {
            // These are addresses and separators of commands.
            if first == 0x2F || first == 0x5C {
                let mark = first == 0x5C ? rest.dropFirst().first ?? 0x2F : 0x2F
                rest = Self.behind(pattern: mark, rest.dropFirst(first == 0x5C ? 2 : 1), hasClasses)
                continue
            }
            if "0123456789$,!;{} \t\n~+IM".utf8.contains(first) {
                rest = rest.dropFirst()
                continue
            }
            let line = rest.dropFirst().prefix { $0 != 0x0A }
            switch first {
            case UInt8(ascii: "e"):
                found += started(inStream: String(decoding: line, as: UTF8.self), depth)
                rest = rest.dropFirst(1 + line.count)
            case UInt8(ascii: "w"), UInt8(ascii: "W"):
                found += written(inStream: line)
                rest = rest.dropFirst(1 + line.count)
            case UInt8(ascii: "s"), UInt8(ascii: "y"):
                guard let mark = rest.dropFirst().first else { return found }
                let isPattern = first == UInt8(ascii: "s")
                let texts = rest.dropFirst(2)
                rest = Self.behind(
                    mark, isPattern ? Self.behind(pattern: mark, texts, hasClasses) : Self.behind(mark, texts))
                let flags = rest.prefix { !";}\n ".utf8.contains($0) }
                if isPattern {
                    let write = flags.firstIndex(of: UInt8(ascii: "w"))
                    if let write { found += written(inStream: rest[(write + 1)...].prefix { $0 != 0x0A }) }
                    // Behind the other letter stands the name of the file.
                    if flags[..<(write ?? flags.endIndex)].contains(UInt8(ascii: "e")) {
                        found.append(finding(.dynamic, subject: "sed s///e"))
                    }
                }
                rest = rest.dropFirst(flags.count)
            case UInt8(ascii: "a"), UInt8(ascii: "i"), UInt8(ascii: "c"): rest = Self.behind(text: rest)
            case UInt8(ascii: "r"), UInt8(ascii: "R"), UInt8(ascii: "#"): rest = rest.dropFirst(1 + line.count)
            case UInt8(ascii: ":"), UInt8(ascii: "b"), UInt8(ascii: "t"), UInt8(ascii: "T"):
                let label = line.drop { $0 == 0x20 }.prefix { !"; \t".utf8.contains($0) }
                rest = rest[label.endIndex...]
            default: rest = rest.dropFirst()
            }
        }
        return found
    }

    private func started(inStream command: String, _ depth: Int) -> [GuardFinding] {
        command.contains { $0 != " " }
            ? findings(in: command, depth: depth + 1).filter(Self.matters)
                + [finding(context.asksInterpreters ? .unknown : .writes, subject: "sed e")]
            : [finding(.dynamic, subject: "sed e")]
    }

    private func written(inStream name: ArraySlice<UInt8>) -> [GuardFinding] {
        let path = String(decoding: name.drop { $0 == 0x20 }, as: UTF8.self)
        if context.isOwn(path) { return [finding(.ownFiles, subject: path)] }
        return [finding(isOfMachine(path) ? .device : .writes, subject: "sed w \(path)")]
    }

    /// Returns the bytes after the next mark that isn't escaped by a backslash.
    private static func behind(_ mark: UInt8, _ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        while let byte = rest.popFirst(), byte != mark {
            if byte == 0x5C { _ = rest.popFirst() }
        }
        return rest
    }

    /// Returns the bytes after a pattern. Between brackets, its mark and backslashes are letters like others.
    private static func behind(
        pattern mark: UInt8, _ bytes: ArraySlice<UInt8>, _ hasClasses: Bool
    ) -> ArraySlice<UInt8> {
        var rest = bytes
        while let byte = rest.popFirst(), byte != mark {
            if byte == 0x5C { _ = rest.popFirst() }
            guard byte == UInt8(ascii: "[") else { continue }
            if rest.first == UInt8(ascii: "^") { rest = rest.dropFirst() }
            if rest.first == UInt8(ascii: "]") { rest = rest.dropFirst() }
            while let inside = rest.popFirst(), inside != UInt8(ascii: "]") {
                guard hasClasses, inside == UInt8(ascii: "["), let kind = rest.first, ":.=".utf8.contains(kind) else {
                    continue
                }
                rest = rest.dropFirst()
                while let byte = rest.popFirst(), byte != kind || rest.first != UInt8(ascii: "]") {}
                rest = rest.dropFirst()
            }
        }
        return rest
    }

    /// Returns the bytes after a text that is added, which goes on in the next line behind a backslash.
    private static func behind(text bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        while !rest.isEmpty {
            let line = rest.prefix { $0 != 0x0A }
            rest = rest.dropFirst(line.count + 1)
            guard goesOn(line) else { break }
        }
        return rest
    }

    /// Returns whether a line ends with a backslash that escapes what follows.
    private static func goesOn(_ line: ArraySlice<UInt8>) -> Bool {
        !line.reversed().prefix { $0 == 0x5C }.count.isMultiple(of: 2)
    }

    /// Judges the recipes of a makefile that run for some targets, or for the first one if none is named.
    func rules(_ text: String, targets: [String], _ depth: Int) -> [GuardFinding] {
        var recipes: [String: [String]] = [:]
        var needs: [String: [String]] = [:]
        var first: String?
        var names: [String] = []
        var found: [GuardFinding] = []
        for line in text.split(whereSeparator: \.isNewline) {
            if line.first?.isWhitespace == true {
                let command = String(line.drop { "\t @-+".contains($0) }).replacing("$$", with: "$")
                for name in names { recipes[name, default: []].append(command) }
                continue
            }
            if let range = line.firstRange(of: "$(shell ") {
                let command = line[range.upperBound...].prefix { $0 != "\n" }
                let text = String(command.hasSuffix(")") ? command.dropLast() : command)
                found += findings(in: text, depth: depth + 1).filter(Self.matters)
            }
            if let range = line.firstRange(of: "!=") {
                found += findings(in: String(line[range.upperBound...]), depth: depth + 1).filter(Self.matters)
            }
            guard let colon = line.firstIndex(of: ":"), !line[line.index(after: colon)...].hasPrefix("=") else {
                continue
            }
            names = line[..<colon].split(separator: " ").map(String.init)
            let after = line[line.index(after: colon)...]
            let parts = after.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
            for name in names {
                needs[name, default: []] += (parts.first ?? "").split(separator: " ").map(String.init)
                if parts.count > 1 { recipes[name, default: []].append(String(parts[1])) }
                if first == nil, !name.hasPrefix(".") { first = name }
            }
        }
        var due = targets.filter { !$0.contains("=") }
        if due.isEmpty { due = recipes.isEmpty && first == nil ? [] : [first ?? ""] }
        var seen: Set<String> = []
        while let target = due.popLast() {
            guard seen.insert(target).inserted else { continue }
            due += needs[target] ?? []
            for recipe in recipes[target] ?? [] { found += findings(in: recipe, depth: depth + 1).filter(Self.matters) }
        }
        return found
    }
}
