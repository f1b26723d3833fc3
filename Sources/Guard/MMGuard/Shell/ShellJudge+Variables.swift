import MMCore
import ShellSyntax

/// The effects of variables on later commands: a shell and its programs evaluate some of them later, no matter where
/// and how they were set.
extension ShellJudge {
    /// Judges the setting of a variable.
    /// - Parameters:
    ///   - name: the variable's name, as far as it is known.
    ///   - value: its new value; `nil` if it isn't known.
    ///   - isHanded: whether programs get it, because it precedes one or is exported.
    ///   - call: the command that it precedes.
    func variable(
        _ name: String, _ value: ShellScript.Word? = nil, isHanded: Bool, _ depth: Int = 0,
        before call: ShellScript.Command? = nil
    ) -> [GuardFinding] {
        if name.hasPrefix("MM_") { return [finding(.ownProgram, subject: name)] }
        let isHanded = isHanded || record.memory.exports(name)
        if ShellPrograms.loadingFolders.contains(name) {
            let isOwn = value.map { staysInProject($0, of: name, before: call) } == true
            return [finding(isOwn ? .writes : .loader, subject: name)]
        }
        if ShellPrograms.loadingOptions.contains(name) {
            return [finding(value.map(Self.onlyTunes) == true ? .writes : .loader, subject: name)]
        }
        // Packages would come from there.
        let isSource = ["INDEX_URL", "REGISTRY", "GOPROXY"].contains(where: name.uppercased().hasSuffix)
        if isHanded, isSource, value?.value.contains("://") == true { return [finding(.software, subject: name)] }
        // Such a program stands where none is looked for.
        if isHanded, let value, startsProgram(name, value.value) { return [finding(.loader, subject: name)] }
        if isHanded, let value, mayLoad(name, value) { return [finding(.loader, subject: name)] }
        if ShellPrograms.loaders.contains(name) || name.hasPrefix("GIT_CONFIG_KEY_") { return loader(name, value) }
        if ShellPrograms.prompts.contains(name) {
            guard let value, Self.isPlainPrompt(value.value) else { return [finding(.loader, subject: name)] }
            return []
        }
        if name.contains("$(") || name.contains("`") { return [finding(.dynamic, subject: name)] }
        if call == nil, movesLater(name, value) { return [finding(.dynamic, subject: name)] }
        // Programs in the current or a writable folder would then replace the system's programs of the same names.
        if name == "PATH", let first = value?.value.split(separator: ":", omittingEmptySubsequences: false).first,
            first == "." || first.isEmpty
                || !Self.isOfSystem(programs: first) && (context.isRemote || !Self.isBuilt(first))
        {
            return [finding(.loader, subject: "PATH=\(first)")]
        }
        var found: [GuardFinding] = []
        // Such names are common for variables that name libraries or programs.
        if name.hasSuffix("LIB") && !name.hasSuffix("_LIB") || name.hasSuffix("BIN_PATH") {
            found.append(finding(.loader, subject: name))
        }
        let isCommand =
            ShellPrograms.commandVariables.contains(name)
            || ["PAGER", "EDITOR", "_COMMAND", "_CMD", "_ASKPASS", "_RSH", "_SSH"].contains(where: name.hasSuffix)
        if isCommand, let value { found = command(value, in: name, depth) }
        // Programs often take a command to start from their environment.
        if isHanded, !isCommand, let value, value.isFixed, value.value.contains(" ") {
            found += carried(value, .shell, program: name, depth).filter(Self.weighs) + embedded(in: value.value, depth)
        }
        if let value, value.isFixed, mayRun(value: value.value) { found.append(finding(.dynamic, subject: name)) }
        let isComputed = name.contains("$")
        guard isComputed || (isHanded ? !Self.isHarmless(name) : ShellPrograms.inherited.contains(name)) else {
            return found
        }
        // Programs are only known in their usual environment.
        return found + [finding(.writes, subject: name, more: ": programs may behave differently with it")]
    }

    /// Returns whether later commands then change something at another place than they say, where no walls limit that:
    /// behind `HOME=/etc`, `touch ~/x` does.
    private func movesLater(_ name: String, _ value: ShellScript.Word?) -> Bool {
        guard !context.hasWalls else { return false }
        let isNumber = ShellWords.contains(name, in: "numbered-variables")
        guard isNumber || ShellWords.contains(name, in: "place-variables") else { return false }
        guard let value, value.isFixed else { return true }
        return isNumber
            ? !value.value.allSatisfy(\.isNumber)
            : value.value.split(separator: ":").contains { isOfMachine(String($0)) || $0.hasPrefix("..") }
    }

    /// Judges the value of a variable by which a program loads a file.
    private func loader(_ name: String, _ value: ShellScript.Word?) -> [GuardFinding] {
        // This turns the shell's own history off.
        if name == "HISTFILE", value.map({ ["", "/dev/null"].contains($0.value) }) == true { return [] }
        // The name of a surrounding is no file.
        if name == "ENV", value.map({ $0.isFixed && $0.value.allSatisfy(\.isLetter) }) == true { return [] }
        // An empty value unsets it.
        if value?.value == "", value?.isFixed == true { return [finding(.writes, subject: name)] }
        return [finding(.loader, subject: name)]
    }

    /// Judges the value of a variable that names a command.
    private func command(_ value: ShellScript.Word, in name: String, _ depth: Int) -> [GuardFinding] {
        var found = carried(value, .shell, program: name, depth)
        if name == "LESS" || name == "MORE", value.value.contains("+") {
            found.append(finding(.loader, subject: name))
        }
        if ["LESSOPEN", "LESSCLOSE"].contains(name), value.value.hasPrefix("|") {
            found += carried(
                ShellScript.Word(String(value.value.drop { "|-".contains($0) }), isFixed: value.isFixed), .shell,
                program: name, depth)
        }
        return found
    }

    /// Returns whether a folder for programs isn't writable by everyone: on a host, files in other folders may be
    /// written without a question.
    private static func isOfSystem(programs folder: Substring) -> Bool {
        ["/usr/", "/bin", "/sbin", "/opt/", "/snap/", "/nix/", "$PATH", "${PATH}", "/lib/"].contains(
            where: folder.hasPrefix)
    }

    // MARK: Programs that variables and options name

    /// Returns whether a text starts or loads a file by its path, apart from installed programs and what the project's
    /// tools build.
    func namesProgram(_ text: String) -> Bool {
        let first = text.drop { "|-!@\"' ".contains($0) }.prefix { !"\"' ,;".contains($0) }
        let isPath = ["./", "../", "/", "~/", "$PWD/", "$HOME/", "${PWD}/"].contains(where: first.hasPrefix)
        let isProgram =
            isPath || [".sh", ".bash", ".py", ".pl", ".rb", ".so", ".dylib", ".jar"].contains(where: first.hasSuffix)
        return isProgram && !first.contains("://") && !Self.isOfSystem(programs: first) && !Self.isBuilt(first)
    }

    /// Returns whether the value of a variable is a program by a path: by the variable's name, by the value's ending,
    /// or because it contains such an option.
    private func startsProgram(_ name: String, _ value: String) -> Bool {
        let kind = name.split(separator: "_").last.map(String.init) ?? name
        if ["OPTS", "OPTIONS", "FLAGS", "OPT", "ARGS"].contains(where: name.hasSuffix) {
            return value.split(separator: " ").contains { word in
                guard Self.loads(word), let end = word.firstIndex(where: { "=:".contains($0) }) else { return false }
                return namesProgram(String(word[word.index(after: end)...]))
            }
        }
        let isScript = [".sh", ".bash", ".so", ".dylib", ".jar"].contains(where: value.hasSuffix)
        let isProgram = ShellPrograms.programVariables.contains(kind)
        return (isProgram || isScript && kind != "FILE") && namesProgram(value) || isProgram && Self.isComputed(value)
    }

    /// Returns whether a program may load a file that a variable names, where such a file may be made without a
    /// question: its settings often name programs.
    private func mayLoad(_ name: String, _ value: ShellScript.Word) -> Bool {
        guard !context.hasWalls, !Self.isHarmless(name), !["TMPDIR", "TMP", "TEMP"].contains(name),
            !["LOG", "OUT", "OUTPUT", "SOCK"].contains(where: name.hasSuffix)
        else { return false }
        return texts(of: value).flatMap { $0.split(separator: ":") }.contains { part in
            let place = part.split(separator: "=").last.map(String.init) ?? ""
            return (place.contains("/") || [".", ".."].contains(place)) && isOpen(context.path(place) ?? place)
        }
    }

    /// Returns whether a command finds out a program's name in another way than by looking for it: `$(curl …)`, other
    /// than `$(which clang)`.
    private static func isComputed(_ value: String) -> Bool {
        guard value.contains("$(") || value.contains("`") else { return false }
        let finders = ["which ", "command -v ", "type -P ", "xcrun ", "brew --prefix", "go env ", "rustup which "]
        return !finders.contains { value.hasPrefix("$(" + $0) || value.hasPrefix("`" + $0) }
    }

    /// Returns whether a path is in a folder that a project's tools fill: `node_modules/.bin`, `.venv/bin`, `build`.
    private static func isBuilt(_ path: Substring) -> Bool {
        path.hasPrefix("$") && !["$PWD", "${PWD}", "$HOME", "${HOME}"].contains(where: path.hasPrefix)
            || !isPassing(String(path)) && path.split(separator: "/").contains { madeFolders.contains(String($0)) }
    }

    /// Returns whether an option makes a program load or run something.
    static func loads(_ word: Substring) -> Bool {
        let option = (word.hasPrefix("-XX:") ? "--" + word.dropFirst(4) : word).prefix { !"=:/".contains($0) }
        return switch WordMeaning.value(of: option) {
        case .command, .script, .library: true
        default: false
        }
    }

    /// Returns whether options in a variable only change how a program works: none loads or runs something, and no file
    /// follows.
    private static func onlyTunes(_ value: ShellScript.Word) -> Bool {
        let text = value.value.replacing("$(nproc)", with: "1")
        guard !text.contains("$"), !text.contains("`") else { return false }
        return text.split(separator: " ").allSatisfy { word in
            if word.allSatisfy(\.isNumber) { return true }
            let isLong = word.hasPrefix("--") || word.hasPrefix("-X") || word.hasPrefix("-D")
            // A name may follow such a letter in the same word.
            return word.hasPrefix("-") && !loads(word)
                && (isLong || word.dropFirst(2).allSatisfy { $0.isNumber } || !word.contains { "rMIemdf".contains($0) })
        }
    }

    /// Returns whether folders from which programs load code are the project's own, as the programs that it runs are.
    private func staysInProject(
        _ value: ShellScript.Word, of name: String, before call: ShellScript.Command?
    ) -> Bool {
        guard context.hasWalls, let workspace = context.workspace else { return false }
        let isOwn = value.value.split(separator: ":").allSatisfy { part in
            if part == "$" + name || part.hasPrefix("${" + name) { return true }
            let path = part.hasPrefix("$PWD") ? "." + part.dropFirst(4) : String(part)
            return !path.contains("$") && !path.contains("`")
                && context.path(path).map { ($0 + "/").hasPrefix(workspace + "/") } == true
        }
        guard isOwn, let call else { return isOwn && !name.hasPrefix("LD_") }
        let runsOwn =
            call.name.contains("/") && !Self.isInstalled(call.name) || Self.isInterpreter(call.program)
            || ShellPrograms.verbless.contains(call.program)
        return runsOwn || !name.hasPrefix("LD_") && !ShellPrograms.readers.contains(call.program)
    }

    /// Returns whether a shell only shows this prompt, without substituting anything in it, even through its escapes.
    private static func isPlainPrompt(_ text: String) -> Bool {
        if text.contains("$(") || text.contains("`") || text.contains("@P") || text.contains("$[") { return false }
        var wasBackslash = false
        for byte in text.utf8 {
            if wasBackslash, (0x30...0x39).contains(byte) { return false }
            wasBackslash = byte == 0x5C && !wasBackslash
        }
        return true
    }

    /// Returns whether a variable is harmless. Names with a lower-case letter are not for system programs (POSIX, XBD
    /// 8.1).
    private static func isHarmless(_ name: String) -> Bool {
        name.hasPrefix("LC_") || ShellPrograms.showing.contains(name) || name.contains(where: \.isLowercase)
    }

    /// Judges a variable that a loop or an expansion sets.
    func binding(_ binding: ShellScript.Binding, _ depth: Int) -> [GuardFinding] {
        // This sets the variable that another one names.
        if binding.name.value.hasPrefix("!") { return [finding(.dynamic, subject: binding.name.value)] }
        if !isBash, binding.values.contains(where: Self.runsForFiles) {
            return [finding(.dynamic, subject: binding.name.value)]
        }
        let values: [ShellScript.Word?] = binding.values.isEmpty ? [nil] : binding.values
        let name = binding.name.value
        // zsh ties such lists to variables whose names are in capitals: `path`.
        let isTied = !isBash && binding.body == nil && name.hasSuffix("path")
        let tied = ShellScript.Word(binding.values.map(\.value).joined(separator: ":"))
        return (isTied ? variable(name.uppercased(), tied, isHanded: false) : [])
            + values.flatMap { value in
                // An expansion's value is text, which still contains its quotes. What programs get must be known.
                let known = value.flatMap { $0.isFixed || record.memory.exports(name) ? $0 : nil }
                return variable(name, known, isHanded: false, depth)
            }
    }

    /// Judges the variables that a builtin sets by the names in its arguments.
    func sets(_ call: ShellScript.Command, _ depth: Int = 0) -> [GuardFinding] {
        let arguments = Array(call.arguments)
        func hasLetter(_ letters: String) -> Bool {
            arguments.contains { OptionLetters.word($0.value, hasOneOf: letters) }
        }
        if Self.naming[call.program] != nil {
            guard let name = Self.variable(namedBy: call.program, call.arguments)?.value else { return [] }
            // zsh ties some lists to variables whose names are in capitals: `path`.
            return variable(name, isHanded: false)
                + (call.program == "set" ? variable(name.uppercased(), isHanded: false) : [])
        }
        let isHanded = call.program == "export" || call.program != "read" && hasLetter("x")
        let isReference =
            ["declare", "typeset", "local"].contains(call.program) && hasLetter("nT")
        return arguments.filter { !$0.value.hasPrefix("-") }.flatMap { word -> [GuardFinding] in
            if word.value.hasPrefix("$("), word.value.hasSuffix(")") { return [finding(.writes, subject: word.value)] }
            // It may be any variable, or run commands in its subscript.
            if !word.isFixed, word.value.prefix(while: { $0 != "=" }).contains("$"),
                !context.hasWalls || !word.value.contains("=")
            {
                return [finding(context.hasWalls ? .writes : .dynamic, subject: word.value)]
            }
            guard let equals = word.value.firstIndex(of: "=") else {
                // This creates a reference to another variable, which may be set later.
                if isReference { return [finding(.dynamic, subject: word.value)] }
                guard isSettingAlone(call.program) else { return [] }
                if call.program == "export" { return exports(word.value, depth) }
                return variable(word.value, isHanded: isHanded, depth)
            }
            var name = String(word.value[..<equals])
            if name.hasSuffix("+") { name = String(name.dropLast()) }
            if let bracket = name.firstIndex(of: "[") { name = String(name[..<bracket]) }
            let value = ShellScript.Word(String(word.value[word.value.index(after: equals)...]), isFixed: word.isFixed)
            if isReference {
                return variable(name, isHanded: false) + variable(value.value, isHanded: isHanded)
                    + (value.isFixed ? [] : [finding(.dynamic, subject: name)])
            }
            return variable(name, value, isHanded: isHanded, depth)
        }
    }

    /// Notes the variables that a command makes the shell hand to programs.
    func note(exportedBy call: ShellScript.Command) {
        let words = GivenValues.withoutRelays(call.words)
        guard let name = words.first?.value else { return }
        let hands = words.dropFirst().contains { OptionLetters.word($0.value, hasOneOf: "x") }
        if name == "export" || Self.declaring.contains(name) && hands {
            record.memory.note(exported: words.dropFirst().map { String($0.value.prefix { !"=+[".contains($0) }) })
        }
        if ["set", "setopt"].contains(name), Self.turnsOn("a", "allexport", words.dropFirst()) {
            record.memory.exportsAll = true
        }
    }

    /// Judges the export of a variable with the values that this text has given it.
    private func exports(_ name: String, _ depth: Int) -> [GuardFinding] {
        guard let values = given.values(of: name) else {
            return variable(name, variables[name].map { ShellScript.Word($0) }, isHanded: true, depth)
        }
        return values.flatMap { value in
            var judge = self
            judge.given = given.before(value)
            return judge.variable(name, value.word, isHanded: true, depth)
        }
    }

    /// Returns whether a builtin only gives variables values that this text tells, or hands them on to programs.
    func onlySets(_ call: ShellScript.Command) -> Bool {
        Self.declaring.contains(call.program) && !call.arguments.isEmpty
            && call.arguments.allSatisfy { word in
                word.value.contains("=") || call.program == "export" && given.values(of: word.value) != nil
            }
    }

    /// Returns whether a builtin gives the named variables a value, or exports their current one.
    private func isSettingAlone(_ program: String) -> Bool {
        ["read", "mapfile", "readarray", "getopts", "export"].contains(program)
    }
}
