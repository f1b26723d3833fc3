import Glibc
import MMCore

/// The pipes and the terminal between a child and this process.
final class ChildStreams: Sendable {
    let input: PolledWriter?
    let output: PolledReader?
    let error: PolledReader?
    let terminal: PseudoTerminal?
    /// The child's descriptors 0, 1 and 2, and its controlling terminal.
    let childSide: Spawner.Plumbing
    private let toClose: OpenDescriptors

    /// Opens what a command asks for.
    static func open(for command: ChildCommand) throws(MMError) -> ChildStreams {
        try ChildStreams(command)
    }

    private init(_ command: ChildCommand) throws(MMError) {
        let toClose = OpenDescriptors()
        self.toClose = toClose
        var slave: Int32 = -1
        if let size = command.terminal {
            let pair = try PseudoTerminal.open(size)
            slave = toClose.keep(pair.slave)
            terminal = pair.terminal
        } else {
            terminal = nil
        }
        let null = toClose.keep(try FileDescriptor.open("/dev/null", O_RDWR).release())

        func borrowed(_ stream: ChildCommand.Stream, _ what: String) throws(MMError) -> Int32? {
            switch stream {
            case .null: return null
            case .pipe: return nil
            case .terminal where slave >= 0: return slave
            case .descriptor(let descriptor) where descriptor >= 0: return descriptor
            case .terminal, .descriptor, .output:
                throw MMError(.invalidInput, "The \(what) of \(command.executable) can't be \(stream).")
            }
        }
        let childInput: Int32
        if let given = try borrowed(command.input, "input") {
            childInput = given
            input = nil
        } else {
            let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
            childInput = toClose.keep(readEnd)
            input = try PolledWriter(FileDescriptor(owning: writeEnd))
        }
        let childOutput: Int32
        if let given = try borrowed(command.output, "output") {
            childOutput = given
            output = nil
        } else {
            let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
            childOutput = toClose.keep(writeEnd)
            output = try PolledReader(FileDescriptor(owning: readEnd))
        }
        let childError: Int32
        if command.error == .output {
            childError = childOutput
            error = nil
        } else if let given = try borrowed(command.error, "error output") {
            childError = given
            error = nil
        } else {
            let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
            childError = toClose.keep(writeEnd)
            error = try PolledReader(FileDescriptor(owning: readEnd))
        }
        childSide = Spawner.Plumbing(input: childInput, output: childOutput, error: childError, terminal: slave)
    }

    /// Closes the ends that only the child needs; otherwise its pipes would never report their end.
    func closeChildSide() {
        toClose.closeAll()
    }
}
