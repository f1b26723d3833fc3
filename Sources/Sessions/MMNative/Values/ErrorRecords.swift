import MMCore

/// Error records as a script sees them: `$_` inside `catch`.
enum ErrorRecords {
    /// The type name of error records.
    static let type = "System.Management.Automation.ErrorRecord"
    /// The type name of a record's exception if nothing else is known.
    static let exceptionType = "System.Management.Automation.RuntimeException"
    /// Marks an exception of which only the message is known, under a name that no script can write.
    private static let unsure = "\u{0}unsure"

    /// Returns the record of an error with the members that are certain; a script that reads another member is handed
    /// over.
    /// - Parameters:
    ///   - place: where it was raised, if that is known.
    ///   - isInner: whether a clause for the type of the inner exception caught the error; the clause then sees that
    ///     exception.
    ///   - isWhole: whether members that were never recorded are present, too, by .NET's documentation.
    static func value(
        of error: NativeError, at place: ErrorPlace? = nil, isInner: Bool = false, isWhole: Bool = false
    ) -> PSValue {
        var pairs: [(String, PSValue)] = []
        let known = Thrown(error)
        if error.isReadable {
            var members = [("Message", PSValue.string(error.message))]
            var name = exceptionType
            if let known {
                let inner = known.inner.map { made($0, [("Message", .string(known.innerMessage(of: error)))]) }
                if isInner, let own = known.inner {
                    name = own
                    members = [("Message", .string(known.innerMessage(of: error))), ("InnerException", .null)]
                } else {
                    name = known.outer
                    // The exception behind a refused argument isn't known.
                    if inner != nil || !error.id.hasPrefix("ParameterArgument") {
                        members.append(("InnerException", inner ?? .null))
                    }
                }
            } else {
                // The cmdlets of the Graph modules wrap the service's message in an exception of the plainest type.
                if error.command?.lowercased().contains("-mg") == true { name = "System.Exception" }
                members.append((unsure, .null))
                if let answer = answer(to: error) { members.append(("Response", answer)) }
            }
            pairs.append(("Exception", made(name, members)))
        }
        if let known {
            if known.hasCertainID { pairs.append(("FullyQualifiedErrorId", .string(known.id))) }
            pairs.append(("ErrorDetails", .null))
            if let thrown = error.thrown { pairs.append(("TargetObject", thrown.value)) }
            if let category = known.category.flatMap({ PSEnum(.errorCategory, named: $0) }) {
                let reason = known.outer.split(separator: ".").last.map(String.init) ?? known.outer
                pairs.append(
                    (
                        "CategoryInfo",
                        made(
                            "System.Management.Automation.ErrorCategoryInfo",
                            [("Category", .enumeration(category)), ("Reason", .string(reason))])
                    ))
            }
        }
        if let place {
            pairs.append(("InvocationInfo", made("System.Management.Automation.InvocationInfo", place.members)))
            if let trace = place.trace { pairs.append(("ScriptStackTrace", .string(trace))) }
        }
        return made(type, isWhole ? whole(pairs, error) : pairs)
    }

    /// Returns the members of a record with those that aren't certain: empty ones, and what the error itself says.
    private static func whole(_ pairs: [(String, PSValue)], _ error: NativeError) -> [(String, PSValue)] {
        func filled(_ pairs: [(String, PSValue)], _ others: [(String, PSValue)]) -> [(String, PSValue)] {
            pairs + others.filter { other in !pairs.contains { $0.0.lowercased() == other.0.lowercased() } }
        }
        let usual: [(String, PSValue)] = [
            ("StackTrace", .null), ("HResult", .int(-2_146_233_088)), ("Source", .null), ("HelpLink", .null),
            ("TargetSite", .null), ("Data", .table(PSTable(isOrdered: true))), ("InnerException", .null),
            ("Response", .null), ("ErrorRecord", .null),
        ]
        let category = error.category.flatMap { PSEnum(.errorCategory, named: $0) }
        let info = made(
            "System.Management.Automation.ErrorCategoryInfo",
            [
                ("Category", category.map { .enumeration($0) } ?? .string("NotSpecified")),
                ("Activity", error.command.map { .string($0) } ?? .string("")), ("Reason", .string("Exception")),
                ("TargetName", .string("")), ("TargetType", .string("")),
            ])
        let own = pairs.map { pair in
            guard pair.0 == "Exception", case .object(let exception) = pair.1 else { return pair }
            return (
                pair.0, made(exception.typeName, filled(Array(zip(exception.shape.names, exception.values)), usual))
            )
        }
        return filled(
            own,
            [
                (
                    "Exception",
                    made(exceptionType, filled([("Message", .string(error.message)), (unsure, .null)], usual))
                ),
                ("FullyQualifiedErrorId", .string(error.id)), ("CategoryInfo", info), ("TargetObject", .null),
                ("ErrorDetails", .null), ("ScriptStackTrace", .string("")),
                ("InvocationInfo", made("System.Management.Automation.InvocationInfo", [("Line", .string(""))])),
            ])
    }

    /// The cmdlets whose exceptions hold the answer of the service.
    private static let requesting: Set<String> = [
        "invoke-mggraphrequest", "invoke-graphrequest", "invoke-restmethod", "invoke-webrequest",
    ]

    private static let answerType = "System.Net.Http.HttpResponseMessage"

    /// The methods that the answers of services had in Windows PowerShell, and no longer have.
    private static let lostMethods: Set<String> = ["getresponsestream", "close"]

    /// Throws the error of a method that an object no longer has.
    static func check(_ object: PSObject, _ method: String) throws(Interrupt) {
        guard object.typeName == answerType, lostMethods.contains(method.lowercased()) else { return }
        throw .statement(.missingMethod(method, of: answerType, isReadable: true))
    }

    /// Returns what `Response` is of the exception of a cmdlet; `nil` if that isn't certain. Only cmdlets that send a
    /// request as the script writes it keep the answer.
    private static func answer(to error: NativeError) -> PSValue? {
        guard let command = error.command?.lowercased() else { return nil }
        guard requesting.contains(command) else { return command.contains("-") ? .null : nil }
        guard let status = error.status, PSEnum.Kind.httpStatus.defines(status) else { return nil }
        return made(
            answerType,
            [
                ("StatusCode", .enumeration(PSEnum(.httpStatus, status))),
                ("ReasonPhrase", .string(PSEnum(.httpStatus, status).name)), ("IsSuccessStatusCode", .bool(false)),
            ])
    }

    private static func made(_ type: String, _ pairs: [(String, PSValue)]) -> PSValue {
        PSObject(pairs, typeName: type, isCustom: false).map { .object($0) } ?? .null
    }

    /// Returns the exception with which a command ends on account of an error that alone would not end it.
    static func stop(_ record: PSValue) -> PSValue {
        made("System.Management.Automation.ActionPreferenceStopException", [("ErrorRecord", record)])
    }

    /// Returns the message of a record; `nil` for any other value.
    static func message(of value: PSValue) -> String? {
        guard case .object(let object) = value, object.typeName == type,
            case .object(let exception)? = object["Exception"], case .string(let message)? = exception["Message"]
        else { return nil }
        return message
    }

    // MARK: Exceptions

    /// Returns the first line of an exception's text; `nil` for any other object, and where a script changes something:
    /// the lines of the stack below it aren't known.
    static func text(ofException object: PSObject) -> String? {
        guard isException(object), object["HResult"] != nil, let message = object["Message"]?.text else { return nil }
        return "\(certainType(of: object) ?? object.typeName): \(message)"
    }

    /// Returns the object of an exception that a script creates.
    static func exception(_ type: String, _ message: String) -> PSValue {
        made(type, [("Message", .string(message)), ("InnerException", .null)])
    }

    /// Returns the type of an exception; `nil` if it isn't certain, and for any other object.
    static func certainType(of object: PSObject) -> String? {
        ExceptionType.isOne(object.typeName) && object[unsure] == nil ? object.typeName : nil
    }

    /// Returns whether a value is an exception, of whichever type.
    static func isException(_ object: PSObject) -> Bool { ExceptionType.isOne(object.typeName) }
}

/// The place of a script where an error was raised, as its record describes it.
struct ErrorPlace {
    /// The line on which the failing statement starts, and its text.
    let line: Int
    let text: String
    /// Whether the statement is on this line alone, so that whatever failed in it is as well.
    let isCertain: Bool
    /// The name of the script's file; `nil` for a command without a file.
    let script: String?
    /// The function that contains the statement.
    let function: String?

    /// The innermost line of the stack trace: how the places outside it are called isn't recorded.
    var trace: String? { script.map { "at \(function ?? "<ScriptBlock>"), ./\($0): line \(line)" } }

    /// The members of the record's `InvocationInfo` that are known.
    var members: [(String, PSValue)] {
        var members: [(String, PSValue)] = []
        if isCertain || script != nil { members.append(("ScriptLineNumber", .int(Int32(truncatingIfNeeded: line)))) }
        guard let script else { return members }
        let code = text.drop { $0 == " " || $0 == "\t" }
        let column = text.count - code.count + 1
        let mark = String(repeating: "~", count: code.count)
        members += [
            ("ScriptName", .string("./" + script)), ("PSCommandPath", .string("./" + script)),
            ("PSScriptRoot", .string(".")), ("Line", .string(text)),
            ("OffsetInLine", .int(Int32(truncatingIfNeeded: column))),
            ("PositionMessage", .string("At ./\(script):\(line) char:\(column)\n+ \(text)\n+ \(mark)")),
        ]
        return members
    }
}

/// The exception types of .NET and PowerShell, and their base types.
enum ExceptionType {
    private static let automation = "System.Management.Automation."
    /// The types by their full names, each with the type that it extends.
    private static let bases: [String: String] = [
        "System.Exception": "", "System.SystemException": "System.Exception",
        "System.ApplicationException": "System.Exception", "System.ArithmeticException": "System.SystemException",
        "System.DivideByZeroException": "System.ArithmeticException",
        "System.OverflowException": "System.ArithmeticException", "System.ArgumentException": "System.SystemException",
        "System.ArgumentNullException": "System.ArgumentException",
        "System.ArgumentOutOfRangeException": "System.ArgumentException",
        "System.FormatException": "System.SystemException",
        "System.InvalidOperationException": "System.SystemException",
        "System.InvalidCastException": "System.SystemException",
        "System.NullReferenceException": "System.SystemException",
        "System.IndexOutOfRangeException": "System.SystemException",
        "System.NotSupportedException": "System.SystemException",
        "System.NotImplementedException": "System.SystemException", "System.TimeoutException": "System.SystemException",
        "System.UnauthorizedAccessException": "System.SystemException",
        "System.Security.SecurityException": "System.SystemException",
        "System.Collections.Generic.KeyNotFoundException": "System.SystemException",
        "System.IO.IOException": "System.SystemException", "System.IO.FileNotFoundException": "System.IO.IOException",
        "System.IO.DirectoryNotFoundException": "System.IO.IOException",
        "Microsoft.PowerShell.Commands.WriteErrorException": "System.SystemException",
        automation + "RuntimeException": "System.SystemException",
        automation + "ActionPreferenceStopException": automation + "RuntimeException",
        automation + "ExtendedTypeSystemException": automation + "RuntimeException",
        automation + "PropertyNotFoundException": automation + "ExtendedTypeSystemException",
        automation + "MethodException": automation + "ExtendedTypeSystemException",
        automation + "MethodInvocationException": automation + "MethodException",
        automation + "PSInvalidCastException": "System.InvalidCastException",
        automation + "CommandNotFoundException": automation + "RuntimeException",
        automation + "ParameterBindingException": automation + "RuntimeException",
        automation + "ParameterBindingValidationException": automation + "ParameterBindingException",
        automation + "ParameterBindingArgumentTransformationException": automation + "ParameterBindingException",
        automation + "MetadataException": automation + "RuntimeException",
        automation + "ValidationMetadataException": automation + "MetadataException",
        automation + "SessionStateException": automation + "RuntimeException",
        automation + "ItemNotFoundException": automation + "SessionStateException",
        automation + "DriveNotFoundException": automation + "SessionStateException",
    ]
    private static let byName = Dictionary(
        bases.keys.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    /// The types whose message is more than the text that they are created with.
    private static let wordy: Set<String> = [
        "System.ArgumentNullException", "System.ArgumentOutOfRangeException",
        "Microsoft.PowerShell.Commands.WriteErrorException", automation + "ParameterBindingException",
        automation + "ParameterBindingValidationException",
        automation + "ParameterBindingArgumentTransformationException",
    ]

    /// Returns the full name of a type as written in a script; `nil` for others.
    static func named(_ written: String) -> String? {
        let name = written.lowercased()
        return byName[name] ?? byName["system." + name]
    }

    /// Returns whether a full name is that of an exception.
    static func isOne(_ name: String) -> Bool { bases[name] != nil }

    /// Returns whether exceptions of a type come only from values and conversions, and never from a service.
    static func isOfValues(_ name: String) -> Bool {
        [
            "System.DivideByZeroException", "System.OverflowException", "System.FormatException",
            "System.IndexOutOfRangeException", automation + "PSInvalidCastException", "System.InvalidCastException",
            automation + "ItemNotFoundException", automation + "DriveNotFoundException",
        ].contains(name)
    }

    /// Returns whether the message of an exception of this type is the text that it is created with.
    static func isPlain(_ name: String) -> Bool { bases[name] != nil && !wordy.contains(name) }

    /// Returns whether a type is another one or derives from it.
    static func extends(_ name: String, _ other: String) -> Bool {
        var type = name
        while !type.isEmpty {
            if type == other { return true }
            type = bases[type] ?? ""
        }
        return false
    }
}

/// What is certain about the exceptions of an error.
struct Thrown {
    /// The type of the exception that was thrown, or that a command's record contains.
    let outer: String
    /// The type of the exception that caused it.
    let inner: String?
    /// The type of a further exception that clauses may name, which stands for how the statement was ended.
    let carrier: String?
    /// The id and the category of the record.
    let id: String
    let category: String?
    /// Whether the id doesn't depend on where it was raised.
    let hasCertainID: Bool

    /// Reads an error; `nil` if only its message is known.
    init?(_ error: NativeError) {
        let automation = "System.Management.Automation."
        let base = error.id.split(separator: ",").first.map(String.init) ?? error.id
        var (outer, inner, carrier): (String?, String?, String?) = (nil, nil, automation + "RuntimeException")
        var (id, category) = (error.id, error.category)
        var hasCertainID = true
        if let own = error.exception {
            (outer, id, category) = (own, error.message, "OperationStopped")
        } else if error.command == "throw" {
            (outer, carrier, id, category) = (automation + "RuntimeException", nil, error.message, "OperationStopped")
        } else if error.message.hasPrefix("Exception calling \"") {
            let names = ["System.", "System.IO."].map { $0 + base }
            guard let name = names.first(where: ExceptionType.isOne), error.id == base else { return nil }
            (outer, inner, carrier) = (automation + "MethodInvocationException", name, nil)
            category = "NotSpecified"
        } else {
            switch base {
            case "RuntimeException" where error.message == "Attempted to divide by zero.":
                (outer, inner, carrier) = (automation + base, "System.DivideByZeroException", nil)
                category = "NotSpecified"
            case "InvalidCastFromStringToInteger", "InvalidCastFromStringToDoubleOrSingle",
                "InvalidCastFromStringToDecimal":
                (outer, inner, carrier) = (automation + "RuntimeException", automation + "PSInvalidCastException", nil)
                category = "InvalidArgument"
            case "InvokeMethodOnNull", "MethodNotFound", "NullArray", "NullArrayIndex", "NotADefinedOperationForType",
                "CannotIndex", "VariableIsUndefined", "AddHashTableToNonHashTable":
                (outer, carrier, category) = (automation + "RuntimeException", nil, "InvalidOperation")
            case "PropertyNotFoundStrict":
                (outer, carrier, category) = (automation + "PropertyNotFoundException", nil, "NotSpecified")
            case "System.IndexOutOfRangeException", "System.ArgumentOutOfRangeException", "System.ArgumentException":
                (outer, carrier) = (base, automation + "RuntimeException")
                category = error.category ?? "OperationStopped"
            case "CommandNotFoundException": (outer, carrier, category) = (automation + base, nil, "ObjectNotFound")
            case "FileOpenFailure": outer = "System.IO.FileNotFoundException"
            case "PathNotFound":
                outer = automation + "ItemNotFoundException"
                carrier = automation + "ActionPreferenceStopException"
            case "Microsoft.PowerShell.Commands.WriteErrorException":
                (outer, carrier) = (base, automation + "ActionPreferenceStopException")
                (hasCertainID, category) = (false, "NotSpecified")
            case "NamedParameterNotFound", "PositionalParameterNotFound", "MissingArgument", "AmbiguousParameter":
                (outer, carrier, category) = (automation + "ParameterBindingException", nil, "InvalidArgument")
            case "ParameterArgumentValidationError", "ParameterArgumentValidationErrorNullNotAllowed",
                "ParameterArgumentValidationErrorEmptyStringNotAllowed",
                "ParameterArgumentValidationErrorEmptyArrayNotAllowed",
                "ParameterArgumentValidationErrorEmptyCollectionNotAllowed":
                (outer, carrier, category) = (automation + "ParameterBindingValidationException", nil, "InvalidData")
            case "ParameterArgumentTransformationError":
                (outer, carrier, category) = (
                    automation + "ParameterBindingArgumentTransformationException", nil, "InvalidData"
                )
            default: return nil
            }
        }
        guard let outer else { return nil }
        (self.outer, self.inner, self.carrier) = (outer, inner, carrier)
        (self.id, self.category, self.hasCertainID) = (id, category, hasCertainID)
    }

    /// Returns the message of the inner exception, which the outer one quotes.
    func innerMessage(of error: NativeError) -> String {
        guard error.message.hasPrefix("Exception calling \""), let mark = error.message.utf8.firstIndex(of: 0x3A) else {
            return error.message
        }
        var cause = error.message[error.message.index(after: mark)...].drop { $0 == " " }
        if cause.first == "\"", cause.last == "\"", cause.count > 1 { cause = cause.dropFirst().dropLast() }
        return String(cause)
    }

    /// Returns the first clause that catches the error, and whether it does so because of the inner exception.
    /// - Parameter clauses: the full type names of each clause, in lower case; empty for a clause that catches
    ///   everything.
    func clause(among clauses: [[String]]) -> (place: Int, isInner: Bool)? {
        func first(for type: String) -> Int? {
            let names = clauses.map { $0.compactMap(ExceptionType.named) }
            return names.firstIndex { $0.contains(type) }
                ?? names.firstIndex { $0.contains { ExceptionType.extends(type, $0) } }
        }
        if let inner, let place = first(for: inner) { return (place, true) }
        for type in [outer, carrier].compactMap(\.self) {
            if let place = first(for: type) { return (place, false) }
        }
        return clauses.firstIndex(where: \.isEmpty).map { ($0, false) }
    }
}
