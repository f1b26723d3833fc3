import ShellSyntax

/// What variables make of the commands that come after them.
extension ShellJudge {
    /// A variable that is set.
    /// - Parameter isHanded: whether programs get it: it stands in front of one, or is exported.
    func variable(_ name: String, isHanded: Bool) -> [GuardFinding] {
        if name.hasPrefix("MM_") { return [finding(.ownProgram, subject: name)] }
        if ShellPrograms.loaders.contains(name) { return [finding(.loader, subject: name)] }
        let isComputed = name.contains("$") || name.contains("`")
        guard isComputed || (isHanded ? !Self.isHarmless(name) : ShellPrograms.inherited.contains(name)) else {
            return []
        }
        // What is known of a program is known of it in the surroundings that it usually has.
        return [finding(.writes, subject: name, more: ": programs may do something else with it")]
    }

    /// Names with a lower-case letter are not for programs of the system (POSIX, XBD 8.1).
    private static func isHarmless(_ name: String) -> Bool {
        name.hasPrefix("LC_") || ShellPrograms.showing.contains(name) || name.contains(where: \.isLowercase)
    }

    /// The variables that a builtin sets whose names are its arguments.
    func sets(_ call: ShellScript.Command) -> [GuardFinding] {
        let words = call.arguments.map(\.value)
        func hasLetter(_ letter: Character) -> Bool {
            words.contains { $0.hasPrefix("-") && !$0.hasPrefix("--") && $0.contains(letter) }
        }
        if call.program == "printf" {
            guard words.first == "-v", words.count > 1 else { return [] }
            return variable(words[1], isHanded: false)
        }
        let isHanded = call.program == "export" || call.program != "read" && hasLetter("x")
        return words.filter { !$0.hasPrefix("-") }.flatMap { word -> [GuardFinding] in
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            // A name that stands for another one: `declare -n`.
            let names = call.program != "read" && hasLetter("n") ? parts : Array(parts.prefix(1))
            return names.flatMap { variable($0, isHanded: isHanded) }
        }
    }
}
