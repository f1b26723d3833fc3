internal import PowerShellSyntax

/// One call of a known command: its arguments with their possible values, and its pipeline input.
struct CommandCall {
    let command: KnownCommand
    let syntax: CommandSyntax
    let arguments: [BoundArgument]
    /// The possible values of each argument.
    let values: [ValueFacts]
    /// The value of each argument as far as it is constant: a literal, or a variable with only one possible value.
    private let constants: [ConstantValue]
    /// The position in the pipeline.
    let place: Int
    /// The pipeline input; `nothing` at the first position.
    let input: ValueFacts
    /// What a call of `New-Object` makes, if that has no effect beyond it.
    let made: ScriptWalk.NewObject?

    init(
        command: KnownCommand, syntax: CommandSyntax, arguments: [BoundArgument], values: [ValueFacts], place: Int,
        input: ValueFacts, made: ScriptWalk.NewObject?
    ) {
        self.command = command
        self.syntax = syntax
        self.arguments = arguments
        self.values = values
        self.place = place
        self.input = input
        self.made = made
        constants = arguments.indices.map { index in
            let written = ConstantValue(arguments[index].value)
            guard written == .dynamic, let texts = values[index].texts, !texts.isEmpty else { return written }
            return texts.count == 1 ? .string(texts[0]) : .array(texts.map(ConstantValue.string))
        }
    }

    var entry: CmdletEntry { command.entry }
    /// Whether a table lists the parameters.
    var hasTable: Bool { command.parameters != nil }
    var extent: SourceExtent { syntax.extent }

    /// Returns the value of an argument as far as it is constant: a literal, or a variable with only one possible
    /// value.
    func constant(_ index: Int) -> ConstantValue { constants[index] }

    /// Returns the positions of the arguments that may be one of these parameters.
    func indices(_ names: [String]) -> [Int] {
        arguments.indices.filter { arguments[$0].mayBe(oneOf: names) }
    }
}

/// The effects of a call, as far as its arguments show them.
extension CommandCall {
    /// Whether it names its objects by a wildcard that matches all of them.
    var hasWideIdentity: Bool {
        arguments.indices.contains { index in
            guard arguments[index].written == nil || arguments[index].name == "identity" else { return false }
            return constant(index).texts?.contains { $0 == "*" } ?? false
        }
    }

    /// Returns whether the call has a plain `-WhatIf` and so changes nothing.
    ///
    /// If only the script's text is judged, the documentation must say that the cmdlet honours `-WhatIf`. For a
    /// confined session this isn't needed: a cmdlet without that parameter fails, and a request that a cmdlet sends in
    /// spite of it is judged when it is sent. A preview can still read secrets, and never signs in, so it doesn't count
    /// for these classes.
    /// - Parameter isBehindWire: whether the script's requests are judged when they are sent.
    func isPreview(isBehindWire: Bool) -> Bool {
        let settings = arguments.filter { ["whatif", "wi"].contains($0.folded ?? "") }
        guard settings.count == 1, let only = settings.first,
            only.value == nil || ConstantValue(only.value) == .bool(true)
        else { return false }
        if entry.honoursWhatIf { return true }
        return isBehindWire && entry.product != .builtin && entry.classes.isDisjoint(with: [.secret, .session])
    }

    /// Whether it only uses data files in the working folder, in which sessions keep what they have read: neither a
    /// secret nor a change.
    var isOnDataFile: Bool {
        guard entry.product == .builtin, Self.dataFileCommands.contains(command.name) else { return false }
        let paths = indices(["path", "literalpath", "filepath", "pspath"])
        return !paths.isEmpty && paths.allSatisfy(isDataFile)
    }

    /// Whether it is a read command that may write a file other than a data file in the working folder.
    var writesLocalFile: Bool {
        guard entry.product != .builtin, entry.classes == .read else { return false }
        // Without a destination, Azure's downloads create a file in the working folder, named as in the cloud.
        if entry.product == .azure, command.noun.hasSuffix("content"), indices(Self.outputFiles).isEmpty { return true }
        let isExport = ["export", "save", "backup", "receive"].contains(command.verb)
        return arguments.indices.contains { index in
            let argument = arguments[index]
            return
                (argument.mayBe(oneOf: Self.outputFiles)
                || (isExport && argument.likelyName?.hasSuffix("path") ?? false)) && !isDataFile(index)
        }
    }

    private func isDataFile(_ index: Int) -> Bool {
        constant(index).texts?.allSatisfy(LocalPath.isDataFile) ?? false
    }

    private static let dataFileCommands: Set<String> = [
        "get-content", "import-csv", "import-clixml", "export-csv", "export-clixml", "out-file", "set-content",
        "add-content",
    ]

    private static let outputFiles = [
        "asfile", "outfile", "outputfile", "outputpath", "out", "exportpath", "destinationpath", "destination",
        "filename", "targetpath", "outputfilepath", "outputfolder", "localpath", "localfilepath",
        "resultfile",
    ]
}
