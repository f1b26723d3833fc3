import MMCLI
import MMCore
import MMOperations

/// What `mm-sandbox` is: the commands of `mm sandbox`, which `mm` hands on as they are.
package enum SandboxMain {
    /// Runs the command line of this process and ends it with the exit code.
    package static func main() -> Never {
        CommandProcess.run { (words, environment) in
            let streams = CommandStreams(environment: environment)
            if words == ["--version"] {
                try? streams.writeLine("mm-sandbox \(ProductVersion.text)")
                return 0
            }
            let program = CommandLineProgram(
                locals: SandboxCommands.all(environment: environment), terminal: streams,
                content: ContentSource(standardInput: StandardInput.text))
            return await program.run(["sandbox"] + words)
        }
    }
}
