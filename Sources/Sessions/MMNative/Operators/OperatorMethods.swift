/// The operators that .NET's types define as methods. PowerShell calls them when the left operand is no number, text or
/// list, or when it is a number and the right one is none (PowerShell's sources, `ParserOps.ImplicitOp`).
enum OperatorMethods {
    /// Calls the method of an operator.
    /// - Throws: PowerShell's error where the operands have no such method, which is the usual outcome.
    static func call(
        _ operation: Arithmetic.Operation, _ left: PSValue, _ right: PSValue
    ) throws(Interrupt) -> PSValue {
        // A primitive value has no methods, so the other operand's are called.
        let owner = isPrimitive(left) ? right : left
        if isPrimitive(owner) {
            let types = "'[\(name(left))] \(operation.sign) [\(name(right))]'"
            throw .statement(
                NativeError(
                    "NotADefinedOperationForType", "The operation \(types) is not defined.", isReadable: true))
        }
        switch owner {
        case .date: return try dates(operation, left, right)
        case .span: return try spans(operation, left, right)
        case .decimal:
            return try Arithmetic.decimals(
                try argument(left, 0, operation, .decimal), try argument(right, 1, operation, .decimal), operation)
        case .string, .guid, .version: throw missing(operation, name(owner))
        case .table(let table) where !table.isOrdered: throw missing(operation, name(owner))
        // Lists of texts have a type of their own, which isn't known here.
        case .array: throw missing(operation, name(owner), isReadable: false)
        case .object(let object) where object.isCustom:
            throw missing(operation, "System.Management.Automation.PSObject")
        default:
            if let result = try PSMoment.operated(operation, left, right) { return result }
            throw .handOver("an operator of \(owner.typeName)")
        }
    }

    private static func isPrimitive(_ value: PSValue) -> Bool {
        switch value {
        case .null, .nothing, .bool, .char, .byte, .int, .long, .single, .double: true
        default: false
        }
    }

    private static func name(_ value: PSValue) -> String { value.isNull ? "$null" : value.typeName }

    private static func missing(
        _ operation: Arithmetic.Operation, _ type: String, isReadable: Bool = true
    ) -> Interrupt {
        .statement(.missingMethod(operation.method, of: type, isReadable: isReadable))
    }

    /// The methods of System.DateTime: `date + span`, `date - span` and `date - date`.
    private static func dates(
        _ operation: Arithmetic.Operation, _ left: PSValue, _ right: PSValue
    ) throws(Interrupt) -> PSValue {
        switch operation {
        case .add:
            guard case .date = left else { throw .handOver("adding a date to \(left.typeName)") }
            return try Arithmetic.add(left, try argument(right, 1, operation, .timespan))
        case .subtract:
            switch (left, right) {
            case (.bool, _): _ = try argument(left, 0, operation, .datetime)
            case (.date, .array), (.date, .table): throw noOverload(operation)
            // These could become a date or a time span.
            case (.date, .null), (.date, .nothing), (.date, .int), (.date, .string): throw severalOverloads(operation)
            default: break
            }
            throw .handOver("arithmetic of \(left.typeName) and \(right.typeName)")
        default: throw missing(operation, "System.DateTime")
        }
    }

    /// The methods of System.TimeSpan: `span ± span`, `span * number`, `span / number` and `span / span`.
    private static func spans(
        _ operation: Arithmetic.Operation, _ left: PSValue, _ right: PSValue
    ) throws(Interrupt) -> PSValue {
        switch operation {
        case .add, .subtract:
            let (first, second) = (
                try argument(left, 0, operation, .timespan), try argument(right, 1, operation, .timespan)
            )
            return operation == .add ? try Arithmetic.add(first, second) : try Arithmetic.subtract(first, second)
        case .multiply:
            guard case .span(let ticks) = left,
                let factor = Comparison.double(try argument(right, 1, operation, .double))
            else { throw .handOver("a multiple of a time span") }
            return try scaled(Double(ticks) * factor)
        case .divide:
            guard case .span(let ticks) = left else { throw .handOver("a division by a time span") }
            switch right {
            case .span(let other): return .double(Double(ticks) / Double(other))
            case .int, .long, .double:
                guard let divisor = Comparison.double(right), divisor != 0 else {
                    throw .handOver("a division of a time span by zero")
                }
                return try scaled(Double(ticks) / divisor)
            case .array, .table: throw noOverload(operation)
            default: throw .handOver("a division of a time span")
            }
        case .remainder: throw missing(operation, "System.TimeSpan")
        }
    }

    /// Returns a time span of a number of ticks, rounded as .NET rounds it.
    private static func scaled(_ ticks: Double) throws(Interrupt) -> PSValue {
        guard let whole = Int64(exactly: ticks.rounded(.toNearestOrEven)) else {
            throw .handOver("a time span out of range")
        }
        return .span(whole)
    }

    private static func noOverload(_ operation: Arithmetic.Operation) -> Interrupt {
        let message = "Cannot find an overload for \"\(operation.method)\" and the argument count: \"2\"."
        return .statement(NativeError("MethodCountCouldNotFindBest", message, isReadable: true))
    }

    private static func severalOverloads(_ operation: Arithmetic.Operation) -> Interrupt {
        let message = "Multiple ambiguous overloads found for \"\(operation.method)\" and the argument count: \"2\"."
        return .statement(NativeError("MethodCountCouldNotFindBest", message, isReadable: true))
    }

    /// Converts an operand to the type that the method takes.
    private static func argument(
        _ value: PSValue, _ place: Int, _ operation: Arithmetic.Operation, _ type: PSType
    ) throws(Interrupt) -> PSValue {
        if !value.isNull || type == .decimal || type == .double,
            let converted = try Conversion.converted(value, to: type)
        {
            return converted
        }
        throw .statement(
            try Conversion.failure(ofArgument: value, named: String(place), of: operation.method, to: type))
    }
}
