internal import PowerShellSyntax

/// One call of a known command: its arguments with what they may be, and its pipeline input.
struct CommandCall {
    let command: KnownCommand
    let syntax: CommandSyntax
    let arguments: [BoundArgument]
    /// What each argument may be.
    let values: [ValueFacts]
    /// The value of each argument as far as it is constant: written so, or held by a variable that can be nothing else.
    private let constants: [ConstantValue]
    /// The position in the pipeline.
    let place: Int
    /// The pipeline input; nothing at the first position.
    let input: ValueFacts

    init(
        command: KnownCommand, syntax: CommandSyntax, arguments: [BoundArgument], values: [ValueFacts], place: Int,
        input: ValueFacts
    ) {
        self.command = command
        self.syntax = syntax
        self.arguments = arguments
        self.values = values
        self.place = place
        self.input = input
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

    /// Returns the value of an argument as far as it is constant: written literally, or held by a variable that can be
    /// nothing else.
    func constant(_ index: Int) -> ConstantValue { constants[index] }

    /// Returns the positions of the arguments that may be one of these parameters.
    func indices(_ names: [String]) -> [Int] {
        arguments.indices.filter { arguments[$0].mayBe(oneOf: names) }
    }
}

/// What a call's own arguments say of its effect.
extension CommandCall {
    /// Whether it names its objects by a wildcard for all of them.
    var hasWideIdentity: Bool {
        arguments.indices.contains { index in
            guard arguments[index].written == nil || arguments[index].name == "identity" else { return false }
            return constant(index).texts?.contains { $0 == "*" } ?? false
        }
    }

    /// Whether it is a call with `-WhatIf`, plainly set, that changes nothing.
    ///
    /// Where a script's text is all there is to go by, the documentation must say that the cmdlet honours it. Behind the wire
    /// no cmdlet's word is needed: one that has no such parameter doesn't run, and what one sends all the same is judged
    /// when it is sent. Secrets are read in spite of it, and nobody signs in by a preview.
    /// - Parameter isBehindWire: whether what the script sends is judged when it is sent.
    func isPreview(isBehindWire: Bool) -> Bool {
        let settings = arguments.filter { ["whatif", "wi"].contains($0.folded ?? "") }
        guard settings.count == 1, let only = settings.first,
            only.value == nil || ConstantValue(only.value) == .bool(true)
        else { return false }
        if entry.honoursWhatIf { return true }
        return isBehindWire && entry.product != .builtin && entry.classes.isDisjoint(with: [.secret, .session])
    }

    /// A data file of the working folder is no secret and no change: sessions keep there what they have read.
    var isOnDataFile: Bool {
        guard entry.product == .builtin, Self.dataFileCommands.contains(command.name) else { return false }
        let paths = indices(["path", "literalpath", "filepath", "pspath"])
        return !paths.isEmpty && paths.allSatisfy(isDataFile)
    }

    /// Read commands that can leave a file behind which is no data file of the working folder.
    var writesLocalFile: Bool {
        guard entry.product != .builtin, entry.classes == .read else { return false }
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
    ]
}
