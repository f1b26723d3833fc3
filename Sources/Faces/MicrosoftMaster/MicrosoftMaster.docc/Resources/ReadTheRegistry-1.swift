import MMCore

let paths = StatePaths(environment: ProcessEnvironment.read())
let registry = ConnectionRegistry(path: paths.registry)
