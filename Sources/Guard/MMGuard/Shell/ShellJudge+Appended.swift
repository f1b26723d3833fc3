internal import MMCore
import ShellSyntax

/// The words that `xargs` and `parallel` read and pass to the command in their arguments.
extension ShellJudge {
    /// Judges a command with the words that xargs or parallel reads. They aren't known, so removing them is judged like
    /// removing a pattern, and what is pushed may be `:branch`, which removes one.
    /// - Parameter isLook: whether the command without them only looks, which they may change.
    func appended(
        to inside: ShellScript.Command, by call: ShellScript.Command, _ depth: Int, isLook: Bool
    ) -> [GuardFinding] {
        let name = call.program
        guard name == "xargs" || name == "parallel" else { return [] }
        var found: [GuardFinding] = []
        if inside.program == "git", inside.arguments.first?.value == "push" {
            found.append(finding(.network, subject: "\(name) git push"))
        }
        if removesEach(inside, depth) { found.append(finding(.removes, subject: "\(name) \(inside.program)")) }
        guard isLook, depth < Self.deepest else { return found }
        let more = judge(completed(inside, by: call), depth + 1).filter { $0.classes != .read }
        // Within walls, their effects stay there.
        return found + (context.hasWalls ? more.prefix(1).map { _ in finding(.writes, subject: name) } : more)
    }

    /// Returns a command with any words in the places of those that are read.
    private func completed(_ inside: ShellScript.Command, by call: ShellScript.Command) -> ShellScript.Command {
        let options = call.arguments.dropLast(inside.words.count).map(\.value)
        let isParallel = call.program == "parallel"
        // parallel takes words apart (`{/}`), and both may read a file or end words elsewhere (`-a`, `-d`).
        let isElsewhere = isParallel || options.contains { Self.hasLetter("ad", in: $0) }
        let isWhole = options.contains { ["-0", "--null"].contains($0) }
        let start = isElsewhere ? "" : outputStart(of: producer, isWhole: isWhole) ?? ""
        var whole = inside
        if let mark = isParallel ? "{}" : Self.mark(options),
            inside.words.contains(where: { $0.value.contains(mark) })
        {
            for index in whole.words.indices where whole.words[index].value.contains(mark) {
                whole.words[index].value = whole.words[index].value.replacing(mark, with: start + "$@")
                whole.words[index].isFixed = false
            }
            return whole
        }
        var rest = ShellScript.Word(start + "$@", isFixed: false)
        let isOne = options.contains("-n1") || zip(options, options.dropFirst()).contains { $0 == "-n" && $1 == "1" }
        rest.isSplit = !isOne && start.isEmpty
        whole.words.append(rest)
        return whole
    }

    /// Returns the text that xargs replaces by what it reads: `-I{}`.
    private static func mark(_ options: [String]) -> String? {
        var mark: String?
        for (option, next) in zip(options, options.dropFirst() + [""]) {
            if option == "-I" { mark = next }
            if option == "-i" || option == "--replace" { mark = "{}" }
            for start in ["-I", "-i", "--replace="] where option.hasPrefix(start) && option != start {
                mark = String(option.dropFirst(start.count))
            }
        }
        return mark
    }

    /// Returns whether a word is an option with one of these letters, among others or as the first of its name.
    private static func hasLetter(_ letters: String, in word: String) -> Bool {
        OptionLetters.word(word, hasOneOf: letters)
            || word.hasPrefix("--") && word.dropFirst(2).first.map(letters.contains) == true
    }

    /// Returns the text with which each word begins that a command shows; `nil` if other words may be among them.
    /// - Parameter isWhole: whether names with spaces and line ends are one word.
    private func outputStart(of call: ShellScript.Command?, isWhole: Bool) -> String? {
        guard let call, call.arguments.allSatisfy(\.isFixed), !record.memory.functions.contains(call.name),
            !record.memory.aliases.contains(call.name)
        else { return nil }
        let words = call.arguments.map(\.value)
        switch call.program {
        // The folder where files are sought.
        case "find":
            guard isWhole, let start = call.arguments.first, start.isLiteral, !start.value.hasPrefix("-"),
                words.dropFirst().first.map({ $0.hasPrefix("-") }) ?? true,
                !words.contains(where: { word in ["-printf", "-exec", "-ok"].contains(where: word.hasPrefix) })
            else { return nil }
            return start.value + "/"
        // Names of things behind their kinds, and numbers.
        case "kubectl", "oc":
            let forms = words.indices.filter { Self.hasLetter("o", in: words[$0]) }
            let isNamed = forms.count == 1 && words[forms[0]...].prefix(2).elementsEqual(["-o", "name"])
            return words.first == "get" && isNamed && !words.contains { $0.hasPrefix("--te") } ? "kind/" : nil
        case "docker", "podman": return ["ps -q", "ps -aq"].contains(words.joined(separator: " ")) ? "0" : nil
        case "pgrep", "pidof":
            let showsOthers = words.contains { $0.hasPrefix("--") || Self.hasLetter("alcdS", in: $0) }
            return showsOthers ? nil : "0"
        default: return nil
        }
    }
}
