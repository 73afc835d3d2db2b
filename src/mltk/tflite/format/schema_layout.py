"""The fields of each table of the ``.tflite`` schema, slot by slot: what a bounds check needs.

Each table is one statement, ``Table = field:type field:type …``, in the order of the vtable slots:

- ``bool i8 u8 … f64`` scalars, ``str`` a string, ``Name`` a table,
- ``[type`` a vector of this type, ``?Union`` a union's value (its type is the slot before),
- ``-`` a deprecated slot, which readers skip.

``?Union = A B …`` lists a union's members from number 1 on. Source: TensorFlow Lite's ``schema.fbs`` (schema version
3) as in ``ai_edge_litert.schema_py_generated``. ``tests/tflite/test_model.py`` compares both, so the tests notice a
newer schema.
"""

from __future__ import annotations

TFLITE_SCHEMA = """
Model = version:u32 operatorCodes:[OperatorCode subgraphs:[SubGraph description:str buffers:[Buffer
    metadataBuffer:[i32 metadata:[Metadata signatureDefs:[SignatureDef externalBufferGroups:[ExternalBufferGroup
    externalBuffers:[ExternalBuffer
OperatorCode = deprecatedBuiltinCode:i8 customCode:str version:i32 builtinCode:i32
SubGraph = tensors:[Tensor inputs:[i32 outputs:[i32 operators:[Operator name:str debugMetadataIndex:i32
Tensor = shape:[i32 type:i8 buffer:u32 name:str quantization:QuantizationParameters isVariable:bool
    sparsity:SparsityParameters shapeSignature:[i32 hasRank:bool variantTensors:[VariantSubType externalBuffer:u32
QuantizationParameters = min:[f32 max:[f32 scale:[f32 zeroPoint:[i64 detailsType:u8 details:?QuantizationDetails
    quantizedDimension:i32
CustomQuantization = custom:[u8
BlockwiseQuantization = scales:i32 zeroPoints:i32 blockSize:i32 blockShape:[i32
MultiAxisQuantization = scales:i32 zeroPoints:i32 blockSize:i32 quantizedDimensions:[i32
SparsityParameters = traversalOrder:[i32 blockMap:[i32 dimMetadata:[DimensionMetadata
DimensionMetadata = format:i8 denseSize:i32 arraySegmentsType:u8 arraySegments:?SparseIndexVector
    arrayIndicesType:u8 arrayIndices:?SparseIndexVector
Int32Vector = values:[i32
Uint16Vector = values:[u16
Uint8Vector = values:[u8
VariantSubType = shape:[i32 type:i8 hasRank:bool
Operator = opcodeIndex:u32 inputs:[i32 outputs:[i32 builtinOptionsType:u8 builtinOptions:?BuiltinOptions
    customOptions:[u8 customOptionsFormat:i8 mutatingVariableInputs:[bool intermediates:[i32
    largeCustomOptionsOffset:u64 largeCustomOptionsSize:u64 builtinOptions2Type:u8 builtinOptions2:?BuiltinOptions2
    debugMetadataIndex:i32
Conv2DOptions = padding:i8 strideW:i32 strideH:i32 fusedActivationFunction:i8 dilationWFactor:i32
    dilationHFactor:i32 quantizedBiasType:i8
DepthwiseConv2DOptions = padding:i8 strideW:i32 strideH:i32 depthMultiplier:i32 fusedActivationFunction:i8
    dilationWFactor:i32 dilationHFactor:i32
ConcatEmbeddingsOptions = numChannels:i32 numColumnsPerChannel:[i32 embeddingDimPerChannel:[i32
LSHProjectionOptions = type:i8
Pool2DOptions = padding:i8 strideW:i32 strideH:i32 filterWidth:i32 filterHeight:i32 fusedActivationFunction:i8
SVDFOptions = rank:i32 fusedActivationFunction:i8 asymmetricQuantizeInputs:bool
RNNOptions = fusedActivationFunction:i8 asymmetricQuantizeInputs:bool
FullyConnectedOptions = fusedActivationFunction:i8 weightsFormat:i8 keepNumDims:bool asymmetricQuantizeInputs:bool
    quantizedBiasType:i8 quantSpec:[u8
SoftmaxOptions = beta:f32
ConcatenationOptions = axis:i32 fusedActivationFunction:i8
AddOptions = fusedActivationFunction:i8 potScaleInt16:bool
L2NormOptions = fusedActivationFunction:i8
LocalResponseNormalizationOptions = radius:i32 bias:f32 alpha:f32 beta:f32
LSTMOptions = fusedActivationFunction:i8 cellClip:f32 projClip:f32 kernelType:i8 asymmetricQuantizeInputs:bool
ResizeBilinearOptions = - - alignCorners:bool halfPixelCenters:bool
CallOptions = subgraph:u32
ReshapeOptions = newShape:[i32
SkipGramOptions = ngramSize:i32 maxSkipSize:i32 includeAllNgrams:bool
SpaceToDepthOptions = blockSize:i32
EmbeddingLookupSparseOptions = combiner:i8
MulOptions = fusedActivationFunction:i8
PadOptions =
GatherOptions = axis:i32 batchDims:i32
BatchToSpaceNDOptions =
SpaceToBatchNDOptions =
TransposeOptions =
ReducerOptions = keepDims:bool
SubOptions = fusedActivationFunction:i8 potScaleInt16:bool
DivOptions = fusedActivationFunction:i8
SqueezeOptions = squeezeDims:[i32
SequenceRNNOptions = timeMajor:bool fusedActivationFunction:i8 asymmetricQuantizeInputs:bool
StridedSliceOptions = beginMask:i32 endMask:i32 ellipsisMask:i32 newAxisMask:i32 shrinkAxisMask:i32 offset:bool
ExpOptions =
TopKV2Options =
SplitOptions = numSplits:i32
LogSoftmaxOptions =
CastOptions = inDataType:i8 outDataType:i8
DequantizeOptions =
MaximumMinimumOptions =
ArgMaxOptions = outputType:i8
LessOptions =
NegOptions =
PadV2Options =
GreaterOptions =
GreaterEqualOptions =
LessEqualOptions =
SelectOptions =
SliceOptions =
TransposeConvOptions = padding:i8 strideW:i32 strideH:i32 fusedActivationFunction:i8 quantizedBiasType:i8
SparseToDenseOptions = validateIndices:bool
TileOptions =
ExpandDimsOptions =
EqualOptions =
NotEqualOptions =
ShapeOptions = outType:i8
PowOptions =
ArgMinOptions = outputType:i8
FakeQuantOptions = min:f32 max:f32 numBits:i32 narrowRange:bool
PackOptions = valuesCount:i32 axis:i32
LogicalOrOptions =
OneHotOptions = axis:i32
LogicalAndOptions =
LogicalNotOptions =
UnpackOptions = num:i32 axis:i32
FloorDivOptions =
SquareOptions =
ZerosLikeOptions =
FillOptions =
BidirectionalSequenceLSTMOptions = fusedActivationFunction:i8 cellClip:f32 projClip:f32 mergeOutputs:bool
    timeMajor:bool asymmetricQuantizeInputs:bool
BidirectionalSequenceRNNOptions = timeMajor:bool fusedActivationFunction:i8 mergeOutputs:bool
    asymmetricQuantizeInputs:bool
UnidirectionalSequenceLSTMOptions = fusedActivationFunction:i8 cellClip:f32 projClip:f32 timeMajor:bool
    asymmetricQuantizeInputs:bool diagonalRecurrentTensors:bool
FloorModOptions =
RangeOptions =
ResizeNearestNeighborOptions = alignCorners:bool halfPixelCenters:bool
LeakyReluOptions = alpha:f32
SquaredDifferenceOptions =
MirrorPadOptions = mode:i8
AbsOptions =
SplitVOptions = numSplits:i32
UniqueOptions = idxOutType:i8
ReverseV2Options =
AddNOptions =
GatherNdOptions =
CosOptions =
WhereOptions =
RankOptions =
ReverseSequenceOptions = seqDim:i32 batchDim:i32
MatrixDiagOptions =
QuantizeOptions =
MatrixSetDiagOptions =
HardSwishOptions =
IfOptions = thenSubgraphIndex:i32 elseSubgraphIndex:i32
WhileOptions = condSubgraphIndex:i32 bodySubgraphIndex:i32
DepthToSpaceOptions = blockSize:i32
NonMaxSuppressionV4Options =
NonMaxSuppressionV5Options =
ScatterNdOptions =
SelectV2Options =
DensifyOptions =
SegmentSumOptions =
BatchMatMulOptions = adjX:bool adjY:bool asymmetricQuantizeInputs:bool
CumsumOptions = exclusive:bool reverse:bool
CallOnceOptions = initSubgraphIndex:i32
BroadcastToOptions =
Rfft2dOptions =
Conv3DOptions = padding:i8 strideD:i32 strideW:i32 strideH:i32 fusedActivationFunction:i8 dilationDFactor:i32
    dilationWFactor:i32 dilationHFactor:i32
HashtableOptions = tableId:i32 keyDtype:i8 valueDtype:i8
HashtableFindOptions =
HashtableImportOptions =
HashtableSizeOptions =
VarHandleOptions = container:str sharedName:str
ReadVariableOptions =
AssignVariableOptions =
RandomOptions = seed:i64 seed2:i64
BucketizeOptions = boundaries:[f32
GeluOptions = approximate:bool
DynamicUpdateSliceOptions =
UnsortedSegmentProdOptions =
UnsortedSegmentMaxOptions =
UnsortedSegmentMinOptions =
UnsortedSegmentSumOptions =
ATan2Options =
SignOptions =
BitcastOptions =
BitwiseXorOptions =
RightShiftOptions =
StablehloConcatenateOptions = dimension:i64
StablehloBroadcastInDimOptions = broadcastDimensions:[i64
StablehloSliceOptions = startIndices:[i64 limitIndices:[i64 strides:[i64
StablehloConvolutionOptions = windowStrides:[i64 padding:[i64 lhsDilation:[i64 rhsDilation:[i64 windowReversal:[bool
    inputBatchDimension:i64 inputFeatureDimension:i64 inputSpatialDimensions:[i64 kernelInputFeatureDimension:i64
    kernelOutputFeatureDimension:i64 kernelSpatialDimensions:[i64 outputBatchDimension:i64
    outputFeatureDimension:i64 outputSpatialDimensions:[i64 featureGroupCount:i64 batchGroupCount:i64
    precisionConfig:[u32
StablehloCustomCallOptions = callTargetName:str hasSideEffect:bool backendConfig:str apiVersion:i32
    calledComputations:[i32 customAttributes:[u8
StablehloReduceOptions = dimensions:[i64 bodySubgraphIndex:i32
StablehloScatterOptions = indicesAreSorted:bool updateWindowDims:[i64 insertedWindowDims:[i64
    scatterDimsToOperandDims:[i64 indexVectorDim:i64 uniqueIndices:bool updateComputationSubgraphIndex:i32
StablehloCompareOptions = comparisonDirection:u32 compareType:u32
StablehloDynamicSliceOptions = sliceSizes:[i64
StablehloPadOptions = edgePaddingLow:[i64 edgePaddingHigh:[i64 interiorPadding:[i64
StablehloIotaOptions = iotaDimension:i64
StablehloDotGeneralOptions = lhsBatchingDimensions:[i64 rhsBatchingDimensions:[i64 lhsContractingDimensions:[i64
    rhsContractingDimensions:[i64 precisionConfig:[u32
StablehloReduceWindowOptions = windowDimensions:[i64 windowStrides:[i64 baseDilations:[i64 windowDilations:[i64
    padding:[i64 bodySubgraphIndex:i32
StablehloSortOptions = dimension:i64 isStable:bool comparatorSubgraphIndex:i32
StablehloWhileOptions = condSubgraphIndex:i32 bodySubgraphIndex:i32
StablehloGatherOptions = offsetDims:[i64 collapsedSliceDims:[i64 startIndexMap:[i64 indexVectorDim:i64
    sliceSizes:[i64 indicesAreSorted:bool
StablehloTransposeOptions = permutation:[i64
DilateOptions =
StablehloRngBitGeneratorOptions = algorithm:i8
ReduceWindowOptions = reduceFunction:i32
StableHLOCompositeOptions = name:str decompositionSubgraphIndex:i32 compositeAttributes:[u8
    compositeAttributesFormat:i8 version:i32
StablehloShiftLeftOptions =
StablehloCaseOptions = branchSubgraphIndices:[i32
Buffer = data:[u8 offset:u64 size:u64
Metadata = name:str buffer:u32
SignatureDef = inputs:[TensorMap outputs:[TensorMap signatureKey:str - subgraphIndex:u32
TensorMap = name:str tensorIndex:u32
ExternalBufferGroup = name:str
ExternalBuffer = id:u32 group:u32 offset:u64 length:u64 packing:str
?QuantizationDetails = CustomQuantization BlockwiseQuantization MultiAxisQuantization
?SparseIndexVector = Int32Vector Uint16Vector Uint8Vector
?BuiltinOptions = Conv2DOptions DepthwiseConv2DOptions ConcatEmbeddingsOptions LSHProjectionOptions Pool2DOptions
    SVDFOptions RNNOptions FullyConnectedOptions SoftmaxOptions ConcatenationOptions AddOptions L2NormOptions
    LocalResponseNormalizationOptions LSTMOptions ResizeBilinearOptions CallOptions ReshapeOptions SkipGramOptions
    SpaceToDepthOptions EmbeddingLookupSparseOptions MulOptions PadOptions GatherOptions BatchToSpaceNDOptions
    SpaceToBatchNDOptions TransposeOptions ReducerOptions SubOptions DivOptions SqueezeOptions SequenceRNNOptions
    StridedSliceOptions ExpOptions TopKV2Options SplitOptions LogSoftmaxOptions CastOptions DequantizeOptions
    MaximumMinimumOptions ArgMaxOptions LessOptions NegOptions PadV2Options GreaterOptions GreaterEqualOptions
    LessEqualOptions SelectOptions SliceOptions TransposeConvOptions SparseToDenseOptions TileOptions
    ExpandDimsOptions EqualOptions NotEqualOptions ShapeOptions PowOptions ArgMinOptions FakeQuantOptions
    PackOptions LogicalOrOptions OneHotOptions LogicalAndOptions LogicalNotOptions UnpackOptions FloorDivOptions
    SquareOptions ZerosLikeOptions FillOptions BidirectionalSequenceLSTMOptions BidirectionalSequenceRNNOptions
    UnidirectionalSequenceLSTMOptions FloorModOptions RangeOptions ResizeNearestNeighborOptions LeakyReluOptions
    SquaredDifferenceOptions MirrorPadOptions AbsOptions SplitVOptions UniqueOptions ReverseV2Options AddNOptions
    GatherNdOptions CosOptions WhereOptions RankOptions ReverseSequenceOptions MatrixDiagOptions QuantizeOptions
    MatrixSetDiagOptions HardSwishOptions IfOptions WhileOptions DepthToSpaceOptions NonMaxSuppressionV4Options
    NonMaxSuppressionV5Options ScatterNdOptions SelectV2Options DensifyOptions SegmentSumOptions BatchMatMulOptions
    CumsumOptions CallOnceOptions BroadcastToOptions Rfft2dOptions Conv3DOptions HashtableOptions
    HashtableFindOptions HashtableImportOptions HashtableSizeOptions VarHandleOptions ReadVariableOptions
    AssignVariableOptions RandomOptions BucketizeOptions GeluOptions DynamicUpdateSliceOptions
    UnsortedSegmentProdOptions UnsortedSegmentMaxOptions UnsortedSegmentMinOptions UnsortedSegmentSumOptions
    ATan2Options SignOptions BitcastOptions BitwiseXorOptions RightShiftOptions
?BuiltinOptions2 = StablehloConcatenateOptions StablehloBroadcastInDimOptions StablehloSliceOptions
    StablehloConvolutionOptions StablehloCustomCallOptions StablehloReduceOptions StablehloScatterOptions
    StablehloCompareOptions StablehloDynamicSliceOptions StablehloPadOptions StablehloIotaOptions
    StablehloDotGeneralOptions StablehloReduceWindowOptions StablehloSortOptions StablehloWhileOptions
    StablehloGatherOptions StablehloTransposeOptions DilateOptions StablehloRngBitGeneratorOptions
    ReduceWindowOptions StableHLOCompositeOptions StablehloShiftLeftOptions StablehloCaseOptions
"""
