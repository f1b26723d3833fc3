/// `Get-Random`: random items of its input, or random integers.
final class RandomStage: Stage {
    private let command: BoundCommand
    private var items: [PSValue] = []

    init(_ command: BoundCommand) throws(Interrupt) {
        // The numbers that follow a seed are those of .NET.
        guard command["SetSeed"] == nil else { throw .handOver("-SetSeed of Get-Random") }
        self.command = command
    }

    override func process(_ item: PSValue) throws(Interrupt) { items.append(item) }

    override func finish() throws(Interrupt) {
        var count = 1
        switch command["Count"] {
        case nil: break
        case .int(let wanted)? where wanted > 0: count = Int(wanted)
        default: throw .handOver("an unusual number of random items")
        }
        if let given = command["InputObject"] {
            items = Cmdlets.list(given.plain)
            guard !items.isEmpty else { throw .handOver("a random item of nothing") }
        }
        // A pipeline without items has no random one.
        guard items.isEmpty, !isPiped || command.names.contains("Maximum") else {
            if command.isSet("Shuffle") { count = items.count }
            for item in items.shuffled().prefix(count) { try next(item) }
            return
        }
        let (low, high) = (try bound("Minimum") ?? 0, try bound("Maximum") ?? .max)
        guard low < high else { throw .handOver("an empty range") }
        for _ in 0..<count { try next(.int(Int32.random(in: low..<high))) }
    }

    /// Returns a limit of the numbers; `nil` if it isn't given.
    private func bound(_ name: String) throws(Interrupt) -> Int32? {
        switch command[name] {
        case nil: return nil
        case .int(let number)?: return number
        case .string(let text)? where Int32(text) != nil: return Int32(text)
        default: throw .handOver("a random number of another type")
        }
    }
}
