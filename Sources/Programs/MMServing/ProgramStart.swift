import Glibc
import MMCLI
import MMCore
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

    /// The error of a process that lacks what Swift's runtime needs: the runtime would end it with a trap, or run it
    /// without its arguments.
    private static var lack: MMError? {
        guard access("/proc/self/cmdline", R_OK) == 0 else {
            return MMError(
                .unavailable, "/proc isn't mounted here, so not even the command line can be read.",
                hint: "Mount it: mount -t proc proc /proc.")
        }
        return ResourceLimits.shortage(at: ResourceLimits.raiseDescriptors())
    }

    /// Runs the program that this process was started as.
    package static func main() -> Never {
        StandardStreams.occupyClosed()
        if let lack {
            CommandStreams(environment: ProcessEnvironment.read()).note("mm: \(lack.description)")
            exit(lack.exitCode)
        }
        guard isServer(calledAs: CommandLine.arguments.first, file: OwnProgram.path) else { TerminalMain.main() }
        MCPMain.main()
    }
}
