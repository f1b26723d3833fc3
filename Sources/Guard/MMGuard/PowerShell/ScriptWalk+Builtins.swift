internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Checks the built-in commands that are harmless only with some arguments or some input.
    mutating func checkBuiltin(_ call: CommandCall) {
        let name = call.command.name
        switch name {
        case "get-childitem", "test-path", "resolve-path", "convert-path":
            checkPaths(call)
            checkPathInput(call)
        case "join-path", "split-path":
            if call.arguments.contains(where: { $0.mayBe("resolve") }) {
                checkPaths(call)
                checkPathInput(call)
            }
        case "export-csv", "export-clixml", "out-file", "set-content", "add-content": checkDataFile(call)
        case "tee-object":
            if !call.arguments.contains(where: { $0.mayBe("variable") }) { checkDataFile(call) }
        case "get-error": report(.secretProperty, call.extent, subject: "Get-Error")
        case "select-string": checkSearch(call)
        case "test-json": checkSchema(call)
        case "get-command":
            refuse(["argumentlist"], call)
            checkNames(call)
        case "get-help":
            refuse(["online", "showwindow", "path"], call)
            checkNames(call)
        case "get-module":
            refuse(["pssession", "cimsession", "refresh"], call)
            checkNames(call)
        case "invoke-restmethod", "invoke-webrequest": checkWeb(call)
        default: walkSaid(call)
        }
        checkPrinting(call, name)
    }

    private static let paths = ["path", "literalpath", "filepath", "pspath"]

    private mutating func refuse(_ names: [String], _ call: CommandCall) {
        for argument in call.arguments where argument.written != nil && argument.mayBe(oneOf: names) {
            report(.moduleSwitch, argument.extent, subject: "-" + (argument.written ?? ""))
        }
    }

    /// Reports names that may be paths: PowerShell would read and parse that file.
    private mutating func checkNames(_ call: CommandCall) {
        for index in call.indices(["name", "module", "fullyqualifiedname", "fullyqualifiedmodule"]) {
            if !(call.constant(index).texts?.allSatisfy(isCommandName) ?? false) {
                report(.localPath, call.arguments[index].extent)
            }
        }
        guard call.place > 0,
            call.input.texts.map({ !$0.allSatisfy(isCommandName) }) ?? call.input.kinds.contains(.files)
        else { return }
        report(.localPath, call.extent)
    }

    private func isCommandName(_ text: String) -> Bool {
        !text.contains("/") && !text.contains("\\") && !text.hasPrefix(".") && !text.hasPrefix("~")
    }

    private mutating func checkPaths(_ call: CommandCall) {
        for index in call.indices(Self.paths) {
            if !(call.constant(index).texts?.allSatisfy(LocalPath.isFilePath) ?? false) {
                report(.localPath, call.arguments[index].extent)
            }
        }
    }

    /// Checks input that is used as paths: only listed files, and texts that can only refer to files, are harmless.
    private mutating func checkPathInput(_ call: CommandCall) {
        guard call.place > 0, call.input.kinds != .files else { return }
        if !(call.input.texts?.allSatisfy(LocalPath.isFilePath) ?? false) { report(.localPath, call.extent) }
    }

    private mutating func checkDataFile(_ call: CommandCall) {
        let paths = call.indices(Self.paths)
        let texts = paths.map { call.constant($0).texts ?? [":"] }.joined()
        guard paths.isEmpty || !texts.allSatisfy(LocalPath.isDataFile) else { return }
        report(.localPath, call.extent)
        // A drive may refer to functions or variables.
        if !texts.allSatisfy(LocalPath.isFilePath) { report(.redirection, call.extent) }
    }

    /// Checks `Select-String`, which reads the files that it is given by name or as objects.
    private mutating func checkSearch(_ call: CommandCall) {
        if let file = call.indices(Self.paths).first { report(.localPath, call.arguments[file].extent) }
        let objects = call.indices(["inputobject"]).map { call.values[$0] } + (call.place > 0 ? [call.input] : [])
        if objects.contains(where: { $0.kinds.contains(.files) }) { report(.localPath, call.extent) }
    }

    /// Checks a JSON schema, whose references may be fetched from the network.
    private mutating func checkSchema(_ call: CommandCall) {
        for index in call.indices(Self.paths + ["schemafile"]) { report(.localPath, call.arguments[index].extent) }
        for index in call.indices(["schema"]) {
            let text = call.constant(index).text
            if text.map({ $0.contains("$") || $0.contains("\\u") || $0.asciiLowercased.contains("ref") }) ?? true {
                report(.networkParameter, call.arguments[index].extent, subject: "-Schema")
            }
        }
    }

    /// Checks commands that print objects with tokens: they may only show harmless properties.
    private mutating func checkPrinting(_ call: CommandCall, _ name: String) {
        let isOfSecrets =
            (call.place > 0 && call.input.isSecretive)
            || call.arguments.indices.contains {
                call.values[$0].isSecretive && call.arguments[$0].mayBe("inputobject")
            }
        guard isOfSecrets else { return }
        let isForced = call.arguments.contains { $0.mayBe("force") && $0.written != nil } && name.hasPrefix("format-")
        if call.command.printsAll || isForced { report(.secretProperty, call.extent, subject: name) }
    }
}
