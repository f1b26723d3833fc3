import MMCLI
import MMOperations
import MMSystem

/// The start of `mm` and `mm-mcp`, which packages contain as one file with two names.
package enum ProgramStart {
    /// The name under which the program is the server for AI clients.
    static let server = "mm-mcp"

    /// Returns whether a program was started as that server, by the name it was called with, or else by the name of its
    /// file.
    static func isServer(calledAs word: String?, file: String) -> Bool {
        func name(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }
        guard let word, ["mm", server].contains(String(name(word))) else { return name(file) == server }
        return name(word) == server
    }

    /// Runs the program that this process was started as.
    package static func main() -> Never {
        CommandProcess.prepare()
        guard isServer(calledAs: CommandLine.arguments.first, file: OwnProgram.path) else { TerminalMain.main() }
        MCPMain.main()
    }
}
