// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "EmbryoProfiler",
    products: [
        .executable(name: "embryo-profiler", targets: ["embryo-profiler"])
    ],
    targets: []
)
