public import MMCore
public import MMOperations
import MMPool

/// `mm` from a Swift program: every operation by its name, judged, confirmed and audited as those of a terminal are.
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
    /// Who calls, until when, and whether a person can be asked; a copy of it goes with each call.
    public var context: CallContext
    private let services: OperationServices?

    private init(_ service: any OperationService, _ name: String, _ services: OperationServices? = nil) {
        self.service = service
        self.services = services
        context = CallContext(caller: Caller(surface: .library, name: name, server: nil))
    }

    /// The operations of the user's pool, whose sessions and sign-ins outlive this program; the pool is started where there is none.
    /// - Parameters:
    ///   - name: this program's, for the audit log.
    ///   - environment: of this process.
    /// - Throws: `.unavailable` where no pool comes up.
    public static func pool(
        named name: String, environment: [String: String] = ProcessEnvironment.read()
    ) async throws(MMError) -> MM {
        let address = try await UserPool(environment: environment).started()
        return MM(RemoteOperationService(pool: address, environment: environment), name)
    }

    /// The operations inside this process: sessions end with it, or with ``close()``.
    /// - Parameters:
    ///   - name: this program's, for the audit log.
    ///   - environment: of this process.
    public static func embedded(
        named name: String, environment: [String: String] = ProcessEnvironment.read()
    ) -> MM {
        let services = OperationServices(environment: environment)
        return MM(LocalOperationService(services: services), name, services)
    }

    /// Carries out an operation.
    /// - Parameters:
    ///   - operation: its name, as `mm --help` and the tools have it: `graph_request`, `run`, `status`.
    ///   - arguments: its arguments.
    /// - Throws: `.signInNeeded` with code and address, `.confirmationNeeded` with the token for `mm confirm`, `.denied`, and what the
    ///   operation throws.
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
    /// - Throws: as a call by name does.
    public func callAsFunction(_ call: some OperationCall) async throws(MMError) -> OperationAnswer {
        try await self(type(of: call).operation, call.members)
    }

    /// Ends the sessions of an embedded catalogue; those of a pool stay.
    public func close() async { await services?.close() }
}

/// A call of an operation as a value, with a property for each argument.
///
/// `mm swift NAME…` writes such types into a program, from the declarations that schemas and flags come from.
public protocol OperationCall: Sendable {
    /// The operation's name: `graph_request`.
    static var operation: String { get }
    /// The arguments by their names; those that are left out are not in it.
    var members: JSONObject { get }
}

extension OperationAnswer {
    /// The answer as rows, whatever its form: each item of a list, else the whole. Rows are fetched while they are read.
    public var rows: AnswerRows { AnswerRows(body) }

    /// The whole answer as one value: all rows of a list.
    /// - Throws: what reading the list throws; `.remoteFailed` for what isn't JSON.
    public func json() async throws(MMError) -> JSONValue {
        switch body {
        case .value(let value): return value
        case .json(let bytes): return try AnswerRows.value(of: bytes[...])
        case .text(let text): return .string(text)
        case .bytes(let bytes, _): return .string(String(decoding: bytes, as: UTF8.self))
        case .items(let items), .output(let items):
            var rows: [JSONValue] = []
            while let batch = try await items.next() {
                for row in batch { rows.append(try AnswerRows.value(of: row)) }
            }
            return .array(rows)
        }
    }
}

/// The rows of an answer, one at a time; see `OperationAnswer.rows`.
public struct AnswerRows: AsyncSequence, Sendable {
    /// A row.
    public typealias Element = JSONValue
    /// What reading them throws.
    public typealias Failure = MMError
    private let body: OperationAnswer.Body

    init(_ body: OperationAnswer.Body) { self.body = body }

    /// Reads them from the beginning; those of a list can be read once.
    public func makeAsyncIterator() -> Iterator { Iterator(body) }

    /// Reads rows, batch by batch.
    public struct Iterator: AsyncIteratorProtocol {
        private let items: ItemStream?
        private var known: [JSONValue] = []
        private var fault: MMError?

        init(_ body: OperationAnswer.Body) {
            switch body {
            case .items(let stream), .output(let stream): items = stream
            case .value(let value): (items, known) = (nil, Self.rows(of: value))
            case .text(let text): (items, known) = (nil, [.string(text)])
            case .bytes(let bytes, _): (items, known) = (nil, [.string(String(decoding: bytes, as: UTF8.self))])
            case .json(let bytes):
                items = nil
                do throws(MMError) { known = Self.rows(of: try AnswerRows.value(of: bytes[...])) } catch {
                    fault = error
                }
            }
            known.reverse()
        }

        private static func rows(of value: JSONValue) -> [JSONValue] { value["value"]?.array ?? value.array ?? [value] }

        /// The next row; `nil` after the last.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(MMError) -> JSONValue? {
            if let fault { throw fault }
            while known.isEmpty {
                guard let batch = try await items?.next() else { return nil }
                for row in batch.reversed() { known.append(try AnswerRows.value(of: row)) }
            }
            return known.removeLast()
        }
    }

    static func value(of row: ArraySlice<UInt8>) throws(MMError) -> JSONValue {
        do throws(JSONError) { return try JSONParser.parse(Array(row)) } catch {
            throw MMError(.remoteFailed, "A row of the answer isn't JSON: \(error).")
        }
    }
}
