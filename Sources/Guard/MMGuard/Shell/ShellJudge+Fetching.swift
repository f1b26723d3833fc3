import MMCore
import ShellSyntax

/// Web clients that only fetch.
extension ShellJudge {
    /// Returns whether a web client only fetches: with options that send nothing but a question, by a method that
    /// changes nothing, and to the output, nowhere, or a file in a home or temporary folder.
    /// - Parameter anywhere: whether the place doesn't matter, because something else judges it.
    func fetches(_ call: ShellScript.Command, anywhere: Bool = false) -> Bool {
        let isCurl = call.program == "curl"
        var rest = call.arguments[...]
        var isKept = isCurl || anywhere
        let asks = isCurl && isQuestion(call)
        func goesNowhere(_ word: ShellScript.Word?) -> Bool {
            word.map {
                ["/dev/null", "-", "/dev/stdout"].contains($0.value)
                    // curl puts a part of the address in the place of such a mark.
                    || ($0.isFixed || Self.namesTime($0.value)) && !$0.value.contains("#") && isFree($0.value)
            } ?? false
        }
        func admits(_ option: String, _ value: ShellScript.Word?) -> Bool {
            if !anywhere, value.map(mayAddOption) == true { return false }
            switch option {
            case "c", "D", "cookie-jar", "dump-header":
                return anywhere || value.map { ["/dev/null", "-", "/dev/stdout"].contains($0.value) } == true
            case isCurl ? "o" : "O", "output", "output-document", "P", "directory-prefix":
                isKept = true
                return anywhere || goesNowhere(value)
            case "w", "write-out": return value.map { $0.isFixed && !Self.mayWrite(format: $0.value) } ?? false
            case "e" where !isCurl: return value.map(Self.ignoresRobots) ?? false
            case "H", "header": return value.map { isPlain(header: $0, mayBeUnknown: anywhere) } ?? false
            case "X", "request", "method":
                return value.map { Self.isFetch($0.value) || asks && $0.value == "POST" } ?? false
            case "d", "json",
                _ where option.hasPrefix("data"):
                return asks && value.map { $0.isFixed && !$0.value.contains("@") } ?? false
            default: return value.map { !ShellWords.contains($0.value.lowercased(), in: "sending-schemes") } ?? false
            }
        }
        let kept = !anywhere ? "" : isCurl ? "OJR" : "Nrpkn"
        let isNamed = keepsByName(call)
        if isNamed { isKept = true }
        let (values, plain) =
            isCurl ? ("ocdDHAemuwXrxUbC", "sSfLiIkvgGN46#" + (isNamed ? "O" : "") + kept) : ("OPtTUe", "qSvcd46" + kept)
        while let word = rest.popFirst() {
            let text = word.value
            // Such addresses contain the data that is sent.
            if ShellWords.contains(text.lowercased(), in: "sending-schemes") { return false }
            if !anywhere, mayBeOption(word) || mayAddOption(word) { return false }
            guard text.hasPrefix("-"), text.count > 1, text != "-nv" else { continue }
            if text.hasPrefix("--") {
                let name = String(text.dropFirst(2).prefix { $0 != "=" })
                if name == "spider" { isKept = true }
                if ShellWords.contains(name, in: "fetching-values") {
                    let joined = LongOption.value(in: text).map { ShellScript.Word($0, isFixed: word.isFixed) }
                    let value = joined ?? rest.popFirst()
                    guard admits(name, value) else { return false }
                } else if !ShellWords.contains(name, in: "fetching"), !anywhere || !name.hasPrefix("remote-") {
                    return false
                }
                continue
            }
            var letters = text.dropFirst()
            while let letter = letters.popFirst() {
                if values.contains(letter) {
                    let value =
                        letters.isEmpty ? rest.popFirst() : ShellScript.Word(String(letters), isFixed: word.isFixed)
                    guard admits(String(letter), value) else { return false }
                    break
                }
                guard plain.contains(letter) else { return false }
            }
        }
        return isKept
    }

    /// Returns whether a command is a web client that only fetches, which leaves no file elsewhere.
    func onlyFetches(_ call: ShellScript.Command) -> Bool {
        ["curl", "wget"].contains(call.program) && fetches(call)
    }

    /// Returns whether a header names neither the method, which some servers take from it, nor a file that is sent.
    /// - Parameter mayBeUnknown: whether the text needn't say how it begins.
    private func isPlain(header: ShellScript.Word, mayBeUnknown: Bool) -> Bool {
        let isFile = texts(of: header).contains { text in
            text.hasPrefix("@") || !mayBeUnknown && text.hasPrefix(Self.anywhere)
        }
        return !isFile && !header.value.lowercased().contains("-method")
    }

    /// Returns whether a setting of wget is none that may name a file or a program.
    private static func ignoresRobots(_ setting: ShellScript.Word) -> Bool {
        setting.value.filter { $0 != " " } == "robots=off"
    }

    /// Returns whether the format in which curl tells how a transfer went writes a file, or is one.
    private static func mayWrite(format: String) -> Bool { format.hasPrefix("@") || format.contains("%output{") }

    /// Returns whether a web client keeps what it fetches in the current folder, one for temporary files, under a name
    /// that the address tells: `cd /tmp && curl -LO https://x.example/a.tgz`.
    private func keepsByName(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments
        let takesName =
            call.program == "wget"
            || words.contains { OptionLetters.word($0.value, hasOneOf: "O") }
        let addresses = words.filter { $0.value.contains("://") }
        guard let folder = context.directory, Self.isPassing(folder) else { return false }
        return takesName && !addresses.isEmpty
            && addresses.allSatisfy { word in
                let path = word.value.prefix { !"?#".contains($0) }.split(
                    separator: "/", omittingEmptySubsequences: false)
                guard word.isFixed, path.count > 3, let name = path.last, !name.isEmpty else { return false }
                return makesFreely("\(folder)/\(name)")
            }
    }

    /// Returns whether what a request says belongs to its address (`-G`), or is a search that servers take as a body.
    private func isQuestion(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        if words.contains(where: { $0 == "--get" || $0.hasPrefix("-") && !$0.hasPrefix("--") && $0.hasSuffix("G") }) {
            return true
        }
        return words.contains { word in
            let path = word.prefix { $0 != "?" }
            return word.contains("/") && ShellWords.list("search-paths").contains(where: path.hasSuffix)
        }
    }

    /// Returns whether a request's method only asks for something.
    static func isFetch(_ method: String) -> Bool { ["GET", "HEAD", "OPTIONS"].contains(method.uppercased()) }
}
