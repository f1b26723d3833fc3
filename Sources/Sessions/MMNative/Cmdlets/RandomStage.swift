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
        } else if case .array(let listed)? = command["Maximum"], command["Minimum"] == nil, !isPiped {
            // A list in the first place is one of items.
            items = listed
        }
        // A pipeline without items has no random one.
        guard items.isEmpty, !isPiped || !command.names.isDisjoint(with: ["Maximum", "Minimum"]) else {
            if command.isSet("Shuffle") { count = items.count }
            for item in items.shuffled().prefix(count) { try next(item) }
            return
        }
        try emitNumbers(count)
    }

    /// Puts out numbers of the type that the limits have: integers, long ones, or fractions.
    private func emitNumbers(_ count: Int) throws(Interrupt) {
        let count = try StepBound.count(count, "many random numbers")
        let (least, most) = (try bound("Minimum"), try bound("Maximum"))
        switch (least ?? .int(0), most ?? .int(.max)) {
        case (.int(let low), .int(let high)):
            guard low < high else { throw empty("\(low)", "\(high)") }
            for _ in 0..<count { try next(.int(Int32.random(in: low..<high))) }
        case (.double, _), (_, .double):
            let low = least.flatMap(Comparison.double) ?? 0
            let high = most.flatMap(Comparison.double) ?? .greatestFiniteMagnitude
            guard low < high else { throw empty(PSText.long(low), PSText.long(high)) }
            guard (high - low).isFinite else { throw .handOver("a wide range of random numbers") }
            for _ in 0..<count { try next(.double(Double.random(in: low..<high))) }
        case let (lower, upper):
            let low = Self.long(lower)
            let high = most == nil ? Int64.max : Self.long(upper)
            guard low < high else { throw empty("\(low)", "\(high)") }
            for _ in 0..<count { try next(.long(Int64.random(in: low..<high))) }
        }
    }

    private static func long(_ value: PSValue) -> Int64 {
        switch value {
        case .int(let number): Int64(number)
        case .long(let number): number
        default: 0
        }
    }

    private func empty(_ low: String, _ high: String) -> Interrupt {
        .statement(
            NativeError(
                command.specification.errorID("MinGreaterThanOrEqualMax"),
                "The Minimum value (\(low)) cannot be greater than or equal to the Maximum value (\(high)).",
                category: "InvalidArgument", isReadable: true))
    }

    /// Returns a limit of the numbers; `nil` if it isn't given.
    private func bound(_ name: String) throws(Interrupt) -> PSValue? {
        switch command[name] {
        case nil: return nil
        case .int?, .long?, .double?: return command[name]
        case .decimal(let number)?: return Comparison.double(.decimal(number)).map { .double($0) }
        case .string(let text)?:
            if let number = Int32(text) { return .int(number) }
            if let number = Int64(text) { return .long(number) }
            guard let number = Double(text), number.isFinite else { fallthrough }
            return .double(number)
        default: throw .handOver("a random number of another type")
        }
    }
}
