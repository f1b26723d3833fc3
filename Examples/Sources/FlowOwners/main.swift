// Lists the flows of an environment of Power Automate, with their state.
//
//     swift run FlowOwners CONNECTION [ENVIRONMENT]
import Glibc
import MicrosoftMaster

let words = Array(CommandLine.arguments.dropFirst())
guard let name = words.first else {
    print("usage: FlowOwners CONNECTION [ENVIRONMENT]")
    exit(2)
}
do throws(MMError) {
    let flow = try GraphClient(
        connection: name, service: .flow,
        signIn: .deviceCode { prompt in
            print(prompt.message)
            fflush(nil)
        })
    let provider = "/providers/Microsoft.ProcessSimple/environments"
    var environments = words.dropFirst().map { String($0) }
    if environments.isEmpty {
        for try await item in flow.pages(provider) { environments.append(item["name"]?.string ?? "") }
    }
    for environment in environments {
        print("\(environment):")
        for try await item in flow.pages("\(provider)/\(environment)/flows") {
            let properties = item["properties"]
            print("  \(properties?["displayName"]?.string ?? "?"): \(properties?["state"]?.string ?? "?")")
        }
    }
} catch {
    print(error.description)
    exit(error.exitCode)
}
