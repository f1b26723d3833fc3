internal import MMCore
import ShellSyntax

/// The values that a text gives its variables, as far as it certainly gives them: what an earlier text left in a
/// session, or what the text reads, isn't known.
struct GivenValues {
    /// A value, and where the text gives it.
    struct Value {
        /// The value as written, with names of other variables.
        var word: ShellScript.Word
        /// The index of the command that gives it.
        var index: Int
        /// Whether that command may run more than once, or later.
        var isNested: Bool
    }

    /// One place where a variable gets a value.
    private struct Setting {
        /// The index of the command that sets it, or of the first command of a loop.
        var index: Int
        /// The value; `nil` if it isn't known.
        var value: ShellScript.Word?
        /// Whether that command certainly runs.
        var isCertain = false
        /// Whether it may run more than once, or later.
        var isNested = true
        /// Whether it may run at any time: in a function, or as a part of another command.
        var isAnytime = false
        /// The commands of the loop for which the variable has the value.
        var body: Range<Int>?
    }

    private var settings: [String: [Setting]] = [:]
    /// The variables that don't take every value as it is: `declare -l`, and `readonly` in an earlier text.
    private var declared: Set<String> = []
    /// Those that this text makes constant.
    private var constants: Set<String> = []
    /// Whether a command may set variables that the text doesn't name.
    private var isOpen = false
    /// Whether arithmetic may set variables to numbers.
    private var computes = false
    /// Whether a command enters another folder.
    private(set) var moves = false
    /// The index of the command that is being judged, or that gives a value to be read.
    private var index = 0
    /// Whether that command may run more than once, or later.
    private var isNested = false
    /// Whether it may give other variables values before: `a=1 b=$a`.
    private var isGiving = false

    /// The most places where a variable may get a value whose values are still compared.
    private static let most = 64

    /// The variables that later texts of the session can't set to any value.
    var lasting: Set<String> { declared.union(constants) }

    /// The values of no text.
    init() {}

    /// Finds the values in a text.
    /// - Parameter memory: what the session's earlier texts left.
    init(_ script: ShellScript, _ memory: ShellMemory) {
        declared = memory.declared
        computes = script.computes
        for binding in script.bindings {
            for value in binding.values.isEmpty || binding.body == nil ? [nil] : binding.values.map(Optional.some) {
                settings[binding.name.value, default: []].append(
                    Setting(index: binding.body?.lowerBound ?? 0, value: value, isAnytime: true, body: binding.body))
            }
        }
        let isInFunction = script.isInFunction
        for (index, call) in script.commands.enumerated() {
            let place = Setting(
                index: index, isCertain: call.isCertain && !isInFunction[index], isNested: call.isNested,
                isAnytime: isInFunction[index])
            // Some shells keep what is assigned before some of their builtins.
            for word in call.assignments {
                let name = note(word, at: place, isKnown: true, isAlone: call.words.isEmpty)
                // At other characters than these, values are split into several words.
                if name == "IFS", call.words.isEmpty, !["IFS=", "IFS=$'\\n'"].contains(word.value) {
                    declared.insert(name)
                }
            }
            let words = Self.withoutRelays(call.words)
            guard let name = words.first.map({ ShellMemory.name($0.value) }) else { continue }
            isOpen =
                isOpen || ["eval", "source", ".", "trap", "alias"].contains(name) || memory.functions.contains(name)
                || memory.aliases.contains(name)
            computes = computes || ["let", "wait"].contains(name)
            moves = moves || ShellJudge.entersFolder(call)
            note(names: words.dropFirst(), of: name, at: place)
        }
    }

    /// Notes the variables that a builtin sets by the names in its words.
    private mutating func note(names all: ArraySlice<ShellScript.Word>, of builtin: String, at place: Setting) {
        let isDeclaring = ShellJudge.declaring.contains(builtin)
        var words = all
        if ShellJudge.naming[builtin] != nil {
            // Only an option names one, which the first word may be.
            let unknown = all.first.flatMap { $0.value.hasPrefix("$") ? $0 : nil }
            words = [ShellJudge.variable(namedBy: builtin, all), unknown].compactMap(\.self)[...]
        } else if !isDeclaring, !ShellJudge.filling.contains(builtin), builtin != "unset" {
            return
        }
        isOpen = isOpen || words.contains { !$0.isFixed && $0.value.prefix { $0 != "=" }.contains("$") }
        let hasOptions = words.contains { $0.value.hasPrefix("-") || $0.value.hasPrefix("+") }
        // Of the other builtins that declare variables, some change what is assigned, or set one of a function's.
        let isPlain = ["export", "readonly"].contains(builtin) && !hasOptions
        for word in words {
            if builtin == "export", isPlain, !word.value.contains("=") { continue }
            var named = word
            // The name may follow its letter in the same word: `read -ra list`, `printf -vx`.
            if word.value.hasPrefix("-") { named.value = String(word.value.drop { !"av".contains($0) }.dropFirst()) }
            let name = note(named, at: place, isKnown: isPlain, isAlone: isPlain)
            if isDeclaring && hasOptions || name == "IFS" { declared.insert(name) }
            if builtin == "readonly" { constants.insert(name) }
        }
    }

    /// Returns the words behind those that only say that a builtin is meant.
    static func withoutRelays(_ words: [ShellScript.Word]) -> ArraySlice<ShellScript.Word> {
        guard let name = words.first?.value, ["command", "builtin"].contains(name) else { return words[...] }
        return words.dropFirst().drop { ["command", "builtin"].contains($0.value) || $0.value.hasPrefix("-") }
    }

    /// Notes an assignment, or the name of a variable that a builtin sets.
    /// - Parameters:
    ///   - isKnown: whether an assignment gives its value as it is.
    ///   - isAlone: whether the assignment stays behind its command.
    /// - Returns: the name.
    @discardableResult
    private mutating func note(
        _ word: ShellScript.Word, at place: Setting, isKnown: Bool, isAlone: Bool
    ) -> String {
        let name = String(word.value.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) })
        let rest = word.value.dropFirst(name.count)
        var setting = place
        setting.isCertain = place.isCertain && isAlone
        // To a list or a part of one nothing else is compared: `a+=x`, `a[0]=x`, `a=(x)`.
        if isKnown, rest.hasPrefix("=") {
            var value = word
            value.value = String(rest.dropFirst())
            setting.value = value
        }
        settings[name, default: []].append(setting)
        return name
    }

    /// Returns the fixed values that this text gives a variable anywhere.
    func assigned(to name: String) -> [String] {
        (settings[name] ?? []).compactMap { $0.value.flatMap { $0.isFixed ? $0.value : nil } }
    }

    /// Returns whether this text sets a variable.
    func sets(_ name: String) -> Bool { isOpen || settings[name] != nil }

    /// Notes which command is being judged next.
    mutating func enter(_ call: ShellScript.Command, at index: Int) {
        (self.index, isNested, isGiving) = (index, call.isNested, false)
    }

    /// Returns the same values as they are where one of them is given.
    func before(_ value: Value) -> GivenValues {
        var earlier = self
        (earlier.index, earlier.isNested, earlier.isGiving) = (value.index, value.isNested, true)
        return earlier
    }

    /// Returns all values that a variable may have there; `nil` if one of them isn't known.
    func values(of name: String) -> [Value]? {
        guard !isOpen, declared.isDisjoint(with: [name, "IFS"]), let all = settings[name], all.count <= Self.most else {
            return nil
        }
        if constants.contains(name), all.count > 1 { return nil }
        let now = index
        let start = all.lastIndex { $0.isCertain && $0.index < now }
        guard start != nil || all.contains(where: { $0.body?.contains(now) == true }) else { return nil }
        let since = start.map { all[$0].index } ?? 0
        let possible = all.filter { setting in
            setting.isAnytime
                || setting.index >= since && (isNested || setting.index < now || isGiving && setting.index == now)
        }
        let known = possible.compactMap { setting in
            setting.value.map { Value(word: $0, index: setting.index, isNested: setting.isNested) }
        }
        guard known.count == possible.count else { return nil }
        return computes ? known + [Value(word: ShellScript.Word("0"), index: now, isNested: isNested)] : known
    }
}
