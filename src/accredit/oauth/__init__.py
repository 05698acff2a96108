"""The sans-I/O core of the protocol: one file per endpoint, grant or shared step. Facts in, an outcome out."""
