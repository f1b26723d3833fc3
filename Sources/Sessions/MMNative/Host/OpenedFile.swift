import PowerShellSyntax

/// A file that a script calls by its name, which opens it in the program of its kind, as `Invoke-Item` does: `&
/// .\\report.html`.
enum OpenedFile {
    /// The extensions of files that a machine runs.
    private static let programs: Set<String> = [
        "ps1", "psm1", "psd1", "exe", "com", "bat", "cmd", "vbs", "js", "wsf", "msi", "msc", "scr", "sh", "py", "pl",
        "jar",
    ]

    /// The programs that open the file which is their only argument, by the names that scripts write.
    private static let openers: Set<String> = [
        "open", "xdg-open", "explorer", "explorer.exe", "notepad", "notepad.exe", "excel.exe", "code",
    ]

    /// Returns the argument of a command that opens a file in a program of its own; `nil` for any other command.
    private static func argument(of command: CommandSyntax) -> ExpressionSyntax? {
        guard let name = command.constantName, openers.contains(name.lowercased()), command.elements.count == 2,
            case .argument(let path) = command.elements[1], command.invocation != .dot
        else { return nil }
        return path
    }

    /// Returns the path that a command without arguments names, from a folder or by `&`; `nil` if it names a program or
    /// script.
    private static func path(of command: CommandSyntax) -> String? {
        guard command.elements.count == 1, let name = command.constantName, command.invocation != .dot,
            command.invocation == .call || name.contains("\\") || name.contains("/"), isOpened(name)
        else { return nil }
        return name
    }

    /// Returns whether a path, by its extension, is that of neither a program nor a script.
    private static func isOpened(_ path: String) -> Bool {
        guard let dot = path.lastIndex(of: ".") else { return false }
        let kind = path[path.index(after: dot)...].lowercased()
        return !kind.isEmpty && kind.allSatisfy { $0.isLetter || $0.isNumber } && !programs.contains(kind)
    }

    /// Returns the path of the file that a command opens; `nil` if it opens none.
    static func path(of command: CommandSyntax, in evaluator: Evaluator) throws(Interrupt) -> String? {
        if let node = argument(of: command) { return try PSText.string(try evaluator.value(of: node).plain) }
        guard command.constantName == nil, command.invocation == .call, command.elements.count == 1,
            case .argument(let node) = command.elements[0]
        else { return path(of: command) }
        guard case .string(let path) = try evaluator.value(of: node).plain, isOpened(path) else { return nil }
        return path
    }

    /// Returns why a check finds that a command which opens a file doesn't fit; the result is `nil` for other commands.
    static func misfit(_ command: CommandSyntax, _ check: (ExpressionSyntax) -> String?) -> String?? {
        if let node = argument(of: command) { return .some(check(node)) }
        return path(of: command) == nil ? nil : .some(nil)
    }
}
