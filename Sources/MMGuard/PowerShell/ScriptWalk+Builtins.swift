internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// The built-in commands that are harmless only with some of their parameters.
    mutating func checkBuiltin(_ entry: CmdletEntry, _ bound: [BoundArgument], _ command: CommandSyntax) {
        switch entry.name.asciiLowercased {
        case "get-childitem":
            hasFileObjects = true
            checkPaths(bound, positional: 1)
        case "test-path", "resolve-path", "convert-path":
            hasFileObjects = true
            checkPaths(bound, positional: 1)
        case "join-path", "split-path":
            if bound.contains(where: { $0.mayBe("resolve") }) { checkPaths(bound, positional: 2) }
        case "export-csv", "export-clixml", "out-file", "set-content", "add-content": checkDataFile(bound, command)
        case "select-string":
            let files = bound.filter { $0.written == nil }.dropFirst().first ?? bound.first { isPath($0) }
            if let files { report(.localPath, files.extent) }
        case "test-json":
            if let file = bound.first(where: { isPath($0) || $0.mayBe("schemafile") }) {
                report(.localPath, file.extent)
            }
        case "get-command":
            refuse(["argumentlist"], bound)
            checkNames(bound)
        case "get-help":
            refuse(["online", "showwindow", "path"], bound)
            checkNames(bound)
        case "get-module":
            refuse(["pssession", "cimsession", "refresh"], bound)
            checkNames(bound)
        case "invoke-restmethod", "invoke-webrequest": checkWeb(bound, command)
        default: break
        }
    }

    private mutating func refuse(_ names: [String], _ bound: [BoundArgument]) {
        for argument in bound where names.contains(where: argument.mayBe) {
            report(.moduleSwitch, argument.extent, subject: "-" + (argument.written ?? ""))
        }
    }

    /// Names that are paths would make PowerShell read, and so parse, that file.
    private mutating func checkNames(_ bound: [BoundArgument]) {
        for argument in bound where argument.written == nil || ["name", "module"].contains(where: argument.mayBe) {
            guard let texts = ConstantValue(argument.value).texts,
                texts.allSatisfy({ !$0.contains("/") && !$0.contains("\\") && !$0.hasPrefix(".") && !$0.hasPrefix("~") }
                )
            else {
                report(.localPath, argument.extent)
                continue
            }
        }
    }

    private func isPath(_ argument: BoundArgument) -> Bool {
        ["path", "literalpath", "filepath"].contains(where: argument.mayBe)
    }

    private mutating func checkPaths(_ bound: [BoundArgument], positional: Int) {
        let paths = bound.filter { isPath($0) } + bound.filter { $0.written == nil }.prefix(positional)
        for argument in paths {
            guard let texts = ConstantValue(argument.value).texts, texts.allSatisfy(LocalPath.isFilePath) else {
                report(.localPath, argument.extent)
                continue
            }
        }
    }

    private mutating func checkDataFile(_ bound: [BoundArgument], _ command: CommandSyntax) {
        let named = bound.first { isPath($0) }
        guard let path = named ?? bound.first(where: { $0.written == nil }),
            let text = ConstantValue(path.value).text, LocalPath.isDataFile(text)
        else { return report(.localPath, command.extent) }
    }

    /// The seed never let a script reach the sign-in service by itself.
    private mutating func checkWeb(_ bound: [BoundArgument], _ command: CommandSyntax) {
        var isConstant = true
        for argument in bound {
            guard let value = argument.value else { continue }
            var text = ConstantValue(value).texts?.joined(separator: " ") ?? ""
            if case .expandableString(let node) = value { text = node.value }
            if text.asciiLowercased.contains("login.microsoftonline") {
                report(
                    GuardFinding(
                        rule: "seed-blocked", classes: [.external, .privilege], kind: .blocked,
                        reason: "It calls the sign-in service by itself.",
                        instead: "Sign-in belongs to the server: use its login tool.", subject: "login.microsoftonline"),
                    command.extent)
            }
            if argument.written == nil || argument.mayBe("uri"), ConstantValue(value) == .dynamic { isConstant = false }
        }
        if !isConstant { report(.requestAddress, command.extent) }
    }
}
