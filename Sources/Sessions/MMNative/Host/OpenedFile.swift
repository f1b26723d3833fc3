import PowerShellSyntax

/// A file that a script calls by its name, which opens it in the program of its kind, as `Invoke-Item` does: `& .\\report.html`.
enum OpenedFile {
    /// The extensions of files that a machine runs.
    private static let programs: Set<String> = [
        "ps1", "psm1", "psd1", "exe", "com", "bat", "cmd", "vbs", "js", "wsf", "msi", "msc", "scr", "sh", "py", "pl",
        "jar",
    ]

    /// Returns the path that a command without arguments names, from a folder or by `&`; `nil` if it names a program or script.
    static func path(of command: CommandSyntax) -> String? {
        guard command.elements.count == 1, let name = command.constantName, command.invocation != .dot,
            command.invocation == .call || name.contains("\\") || name.contains("/"),
            let dot = name.lastIndex(of: "."), case let kind = name[name.index(after: dot)...].lowercased(),
            !kind.isEmpty, kind.allSatisfy({ $0.isLetter || $0.isNumber }), !programs.contains(kind)
        else { return nil }
        return name
    }
}
