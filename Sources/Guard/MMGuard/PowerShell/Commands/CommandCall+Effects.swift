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
