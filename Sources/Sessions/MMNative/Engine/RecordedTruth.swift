package import PowerShellSyntax

/// What the engine does without a real PowerShell's answer to hold it against. A report may use it; a script that changes
/// something goes to PowerShell whole instead.
extension NativeEngine {
    /// PowerShell's own commands for the web.
    package static let webCommands: Set<String> = ["invoke-restmethod", "irm", "invoke-webrequest", "iwr"]

    /// The first construct of a script whose meaning was not recorded from a real PowerShell, in words; `nil` where all were.
    package static func unrecorded(in script: ParsedScript) -> String? {
        let items = ScriptFacts(of: script).items
        let own = Set(
            items.compactMap { item in
                if case .function(let name, _) = item.detail { name.lowercased() } else { nil }
            })
        for item in items {
            switch item.detail {
            case .command(let command):
                guard let name = command.name, !own.contains(name.lowercased()) else { continue }
                if webCommands.contains(name.lowercased()) { return "the command \(name)" }
                guard let known = Cmdlets.specification(of: name) else { continue }
                if !known.isRecorded { return "the command \(known.name)" }
                if known.name == "New-Object", command.names("comobject") { return "New-Object -ComObject" }
            case .variable(let path, _) where path.name.lowercased() == "host": return "$Host"
            case .type(let name, _) where name.lowercased().hasSuffix("pstypename"): return "the attribute \(name)"
            case .type(let name, _):
                if let type = PSType(written: name), !type.isRecorded { return "the type \(name)" }
            default: continue
            }
        }
        return nil
    }
}

extension CommandSpecification {
    /// Commands that put out what a real PowerShell has not been asked for. What only writes the run's own files, reads them, or
    /// shows something decides nothing that is sent, and isn't among them.
    private static let unrecorded: Set<String> = [
        "Add-Type", "ConvertFrom-StringData", "Get-Culture", "Get-Host", "Get-Random", "Get-TimeZone",
        "Measure-Command",
    ]

    /// Whether what it puts out is held against a real PowerShell's answers.
    var isRecorded: Bool { !Self.unrecorded.contains(name) }
}

extension PSType {
    /// Whether its members are held against a real PowerShell's answers.
    var isRecorded: Bool {
        switch self {
        case .encoding, .convert, .webtext, .path, .environment, .single, .stopwatch, .xml, .timezone, .uri, .file,
            .folder, .choice, .choices,
            .errorrecord, .exception:
            false
        default: true
        }
    }
}

extension CommandFact {
    /// Whether a parameter of this name, or of a beginning of it, is given.
    fileprivate func names(_ parameter: String) -> Bool {
        arguments.contains { argument in
            guard case .parameter(let name, _) = argument else { return false }
            return name.count > 2 && parameter.hasPrefix(name.lowercased())
        }
    }
}
