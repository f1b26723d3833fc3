internal import MMCore
import ShellSyntax

/// The values that a text gives its variables, as far as it certainly gives them: what an earlier text left in a
/// session, or what the text reads, isn't known.
struct GivenValues {
    /// One place where a variable gets a value.
    private struct Setting {
        /// The index of the command that sets it, or of the first command of a loop.
        var index: Int
        /// The value; `nil` if it isn't known.
        var value: ShellScript.Word?
        var isCertain: Bool
        /// The commands of the loop for which it has the value.
        var body: Range<Int>?
    }

    private var settings: [String: [Setting]] = [:]
    /// Whether a command may set variables that the text doesn't name.
    private var isOpen = false
    /// The index of the command that is being judged.
    var index = 0
    /// Whether that command may run more than once, or later.
    var isNested = false

    /// The values of no text.
    init() {}

    /// Finds the values in a text.
    /// - Parameter memory: what the session's earlier texts left.
    init(_ script: ShellScript, _ memory: ShellMemory) {
        for binding in script.bindings {
            for value in binding.values.isEmpty || binding.body == nil ? [nil] : binding.values.map(Optional.some) {
                note(
                    binding.name.value, value, at: binding.body?.lowerBound ?? 0, isCertain: false, binding.body)
            }
        }
        for (index, call) in script.commands.enumerated() {
            let words = Self.withoutRelays(call.words)
            guard let name = words.first.map({ ShellMemory.name($0.value) }) else {
                for word in call.assignments { note(word, at: index, call.isCertain) }
                continue
            }
            isOpen =
                isOpen || ["eval", "source", ".", "trap", "alias"].contains(name) || memory.functions.contains(name)
                || memory.aliases.contains(name)
            let isFilling = ShellJudge.filling.contains(name) || name == "unset"
            guard isFilling || ShellJudge.declaring.contains(name) else { continue }
            // Of the other builtins that declare variables, some change what is assigned, or set one of a function's.
            let isPlain = ["export", "readonly"].contains(name) && !words.contains { $0.value.hasPrefix("-") }
            for word in words.dropFirst() {
                if isPlain, !word.value.contains("=") { continue }
                note(word, at: index, isPlain && call.isCertain, isKnown: isPlain)
            }
        }
    }

    /// Returns the words behind those that only say that a builtin is meant.
    private static func withoutRelays(_ words: [ShellScript.Word]) -> ArraySlice<ShellScript.Word> {
        guard let name = words.first?.value, ["command", "builtin"].contains(name) else { return words[...] }
        return words.dropFirst().drop { ["command", "builtin"].contains($0.value) || $0.value.hasPrefix("-") }
    }

    /// Notes an assignment, or the name of a variable that a builtin sets.
    private mutating func note(_ word: ShellScript.Word, at index: Int, _ isCertain: Bool, isKnown: Bool = true) {
        let name = word.value.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
        let rest = word.value.dropFirst(name.count)
        // To a list or a part of one nothing else is compared: `a+=x`, `a[0]=x`, `a=(x)`.
        var value: ShellScript.Word?
        if isKnown, rest.hasPrefix("=") {
            value = word
            value?.value = String(rest.dropFirst())
        }
        note(String(name), value, at: index, isCertain: isCertain, nil)
    }

    private mutating func note(
        _ name: String, _ value: ShellScript.Word?, at index: Int, isCertain: Bool, _ body: Range<Int>?
    ) {
        settings[name, default: []].append(
            Setting(index: index, value: value, isCertain: isCertain, body: body))
    }

    /// Returns all values that a variable may have for the command that is being judged; `nil` if one of them isn't
    /// known.
    func values(of name: String) -> [ShellScript.Word]? {
        guard !isOpen, let all = settings[name] else { return nil }
        let now = index
        let start = all.lastIndex { $0.isCertain && $0.index < now }
        guard start != nil || all.contains(where: { $0.body?.contains(now) == true }) else { return nil }
        let since = start.map { all[$0].index } ?? 0
        let possible = all.filter { setting in
            setting.body == nil ? setting.index >= since && (isNested || setting.index < now) : true
        }
        let known = possible.compactMap(\.value)
        return known.count == possible.count ? known : nil
    }
}
