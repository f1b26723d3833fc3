public import MMCore
public import MMOperations
import MMPool

/// `mm` for Swift programs: calls every operation by name, with the same guard, confirmations and audit log as on the
/// command line.
///
/// ```swift
/// import MicrosoftMaster
///
/// let mm = try await MM.pool(named: "nightly report")
/// let users = try await mm("graph_request", ["connection": "Contoso", "endpoint": "/users", "all": true])
/// for try await user in users.rows { print(user["displayName"]?.string ?? "") }
/// ```
public struct MM: Sendable {
    /// Carries the operations out.
    public let service: any OperationService
    /// The caller, the deadline, and whether a person can be asked; each call gets a copy.
    public var context: CallContext
    private let services: OperationServices?

    private init(_ service: any OperationService, _ name: String, _ services: OperationServices? = nil) {
        self.service = service
        self.services = services
        context = CallContext(caller: Caller(surface: .library, name: name, server: nil))
    }

    /// Returns the operations of the user's pool, whose sessions and sign-ins outlive this program. A pool is started
    /// if none runs.
    /// - Parameters:
    ///   - name: this program's name for the audit log.
    ///   - environment: the environment of this process.
    /// - Throws: `.unavailable` if no pool comes up.
    public static func pool(
        named name: String, environment: [String: String] = ProcessEnvironment.read()
    ) async throws(MMError) -> MM {
        let address = try await UserPool(environment: environment).started()
        return MM(RemoteOperationService(pool: address, environment: environment), name)
    }

    /// Returns operations that run in this process; their sessions end with it, or with ``close()``.
    /// - Parameters:
    ///   - name: this program's name for the audit log.
    ///   - environment: the environment of this process.
    public static func embedded(
        named name: String, environment: [String: String] = ProcessEnvironment.read()
    ) -> MM {
        let services = OperationServices(environment: environment)
        return MM(LocalOperationService(services: services), name, services)
    }

    /// Carries out an operation.
    /// - Parameters:
    ///   - operation: the operation's name, as in `mm --help` and the tools: `graph_request`, `run`, `status`.
    ///   - arguments: the operation's arguments.
    /// - Throws: `.signInNeeded` with code and address, `.confirmationNeeded` with the token for `mm confirm`,
    ///   `.denied`, and the errors of the operation.
    public func callAsFunction(
        _ operation: String, _ arguments: JSONObject = [:]
    ) async throws(MMError) -> OperationAnswer {
        try await service.call(operation, arguments, in: context)
    }

    /// Carries out a call whose arguments the compiler has checked.
    ///
    /// ```swift
    /// let guests = try await mm(UnusedGuests(connection: "Contoso", days: 60))
    /// ```
    /// - Parameter call: the operation with its arguments; `mm swift` writes a type for each operation and recipe.
    /// - Throws: the errors of a call by name.
    public func callAsFunction(_ call: some OperationCall) async throws(MMError) -> OperationAnswer {
        try await self(type(of: call).operation, call.members)
    }

    /// Ends the sessions of embedded operations; those of a pool continue.
    public func close() async { await services?.close() }
}

/// A call of an operation as a value, with a property for each argument.
///
/// `mm swift NAME…` writes such types into a program, from the same declarations as the tools' schemas and the command
/// line's flags.
public protocol OperationCall: Sendable {
    /// The operation's name: `graph_request`.
    static var operation: String { get }
    /// The arguments by name, without those that are left out.
    var members: JSONObject { get }
}

extension OperationAnswer {
    /// The answer as rows, whatever its form: the items of a list, otherwise the whole answer. Rows are fetched while
    /// they are read; `whatIsMissing` then says whether any are missing.
    public var rows: AnswerRows { AnswerRows(self) }

    /// Returns the whole answer as one value, including all rows of a list.
    /// - Throws: the errors of reading the list; `.remoteFailed` if it isn't JSON.
    public func json() async throws(MMError) -> JSONValue {
        let value = try await wholeValue()
        try await delivered()
        return value
    }
}

/// The rows of an answer, one at a time; see `OperationAnswer.rows`.
public struct AnswerRows: AsyncSequence, Sendable {
    /// A row.
    public typealias Element = JSONValue
    /// The error of reading rows.
    public typealias Failure = MMError
    private let answer: OperationAnswer

    init(_ answer: OperationAnswer) { self.answer = answer }

    /// Returns an iterator over the rows. Those of a list can be read only once: then there are none left.
    public func makeAsyncIterator() -> Iterator { Iterator(answer) }

    /// Reads rows, batch by batch.
    public struct Iterator: AsyncIteratorProtocol {
        private let answer: OperationAnswer
        private let items: ItemStream?
        private var known: [JSONValue] = []
        private var fault: MMError?

        init(_ answer: OperationAnswer) {
            self.answer = answer
            switch answer.body {
            case .items(let stream), .output(let stream): items = stream
            case .value(let value): (items, known) = (nil, Self.rows(of: value))
            case .text(let text): (items, known) = (nil, [.string(text)])
            case .bytes(let bytes, _): (items, known) = (nil, [.string(String(decoding: bytes, as: UTF8.self))])
            case .json(let bytes):
                items = nil
                do throws(MMError) { known = Self.rows(of: try JSONValue(ofService: bytes)) } catch {
                    fault = error
                }
            }
            known.reverse()
        }

        private static func rows(of value: JSONValue) -> [JSONValue] { value.rowsOfPage ?? value.array ?? [value] }

        /// Returns the next row; `nil` after the last.
        /// - Throws: the errors of reading the list; `.remoteFailed` for a row that isn't JSON.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(MMError) -> JSONValue? {
            if let fault { throw fault }
            while known.isEmpty {
                guard let batch = try await items?.next() else {
                    try await answer.delivered()
                    return nil
                }
                for row in batch.reversed() { known.append(try JSONValue(ofService: row)) }
            }
            return known.removeLast()
        }
    }
}
