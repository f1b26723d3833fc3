import MMCLI
import MMCore
import MMOperations
import MMSystem

/// `mm sandbox …`: handed on to `mm-sandbox`, which takes the place of this process. Its streams, exit code and signals are
/// then those of the command line.
enum SandboxForwarding {
    /// All of them.
    static func all(environment: [String: String]) -> [LocalCommand] {
        SandboxCommand.allCases.map { verb in
            verb.command(
                .words { (words) throws(MMError) in
                    try ProcessReplacement.run(try OwnProgram.sandbox(environment), [verb.rawValue] + words)
                })
        }
    }
}
