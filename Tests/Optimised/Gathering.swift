// Built with the optimiser by Scripts/test, together with Sources/MMCore/Errors/Result+Catching.swift. Checks that the
// outcomes of child tasks keep their names. If such tuples are built directly around a `try await`, the names become
// garbage (Swift 6.3.1, -O and -Osize), which no debug build shows.

struct Fault: Error {
    var message: String
    var details: [String: String]
}

struct Answer: Sendable {
    var rows: [String]
    var name: String?
}

protocol Service: Sendable {
    func call(_ name: String) async throws(Fault) -> Answer
}

struct Sleeper: Service {
    func call(_ name: String) async throws(Fault) -> Answer {
        try? await Task.sleep(for: .milliseconds(1))
        guard !name.hasSuffix("3") else { throw Fault(message: name, details: [:]) }
        return Answer(rows: [name], name: name)
    }
}

func gathered(_ services: [(String, any Service)]) async -> [String: Result<Answer, Fault>] {
    await withTaskGroup(of: (String, Result<Answer, Fault>).self) { group in
        for (name, service) in services {
            group.addTask {
                let outcome = await Result { () async throws(Fault) in try await service.call(name) }
                return (name, outcome)
            }
        }
        var all: [String: Result<Answer, Fault>] = [:]
        for await (name, outcome) in group { all[name] = outcome }
        return all
    }
}

@main
struct Gathering {
    static func main() async {
        let services: [(String, any Service)] = (0..<8).map { number in
            ("a name that is too long to be kept in a string itself \(number)", Sleeper())
        }
        for _ in 0..<100 {
            let found = await gathered(services)
            for (name, _) in services {
                switch found[name] {
                case .success(let answer): precondition(answer.name == name && answer.rows == [name])
                case .failure(let fault): precondition(fault.message == name && name.hasSuffix("3"))
                case nil: fatalError("the outcome of \(name) is lost")
                }
            }
        }
        print("outcomes of child tasks arrive whole")
    }
}
