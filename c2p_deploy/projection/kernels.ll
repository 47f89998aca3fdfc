; Made by tools/build_kernels.py from kernels.py. Do not edit.
; numba 0.68.1, llvmlite 0.50.0
define void @draw_view(ptr readonly %0, i64 %1, ptr readonly %2, float %3, ptr readonly %4, i64 %5, float %6, ptr %7, ptr %8) {
entry:
  %.42.i = fdiv float 1.000000e+00, %3
  %.46.i = fmul float %6, %6
  %.51.i = fadd float %6, 1.000000e+00
  %.56.i = sitofp i64 %5 to double
  %.57.i = fmul double %.56.i, 5.000000e-01
  %.58.i = fptrunc double %.57.i to float
  %.63.i = fmul float %6, %.58.i
  %.65.i = fadd float %.63.i, 0x3F847AE140000000
  %.71.i = mul i64 %5, %5
  %.157310.i = icmp sgt i64 %.71.i, 0
  br i1 %.157310.i, label %B252.if.i, label %B278.i

B278.i:
  %.286319.not.i = icmp slt i64 %1, 1
  br i1 %.286319.not.i, label %B1426.preheader.i, label %B310.if.lr.ph.i

B310.if.lr.ph.i:
  %.349.i = getelementptr i8, ptr %2, i64 12
  %.354.i = getelementptr i8, ptr %2, i64 24
  %.362.i = getelementptr i8, ptr %2, i64 4
  %.366.i = getelementptr i8, ptr %2, i64 16
  %.371.i = getelementptr i8, ptr %2, i64 28
  %.379.i = getelementptr i8, ptr %2, i64 8
  %.383.i = getelementptr i8, ptr %2, i64 20
  %.388.i = getelementptr i8, ptr %2, i64 32
  %.490.i = add nsw i64 %5, -1
  br label %B310.if.i

B1426.preheader.i:
  br i1 %.157310.i, label %B1426.if.i, label %exit

B716.i:
  %.421.i = fsub float 1.000000e+00, %.357.i
  %.423.i = fmul float %.421.i, %.58.i
  %.425.i = fadd float %.423.i, -5.000000e-01
  %.428.i = fsub float 1.000000e+00, %.374.i
  %.430.i = fmul float %.428.i, %.58.i
  %.432.i = fadd float %.430.i, -5.000000e-01
  %.434.i = fsub float %.425.i, %.65.i
  %.436.i = fadd float %.434.i, 1.000000e+00
  %.5.i.i = fptosi float %.436.i to i64
  %.13.i.i = tail call i64 @llvm.smax.i64(i64 %.5.i.i, i64 0)
  %.552.i = fsub float %.432.i, %.65.i
  %.554.i = fadd float %.552.i, 1.000000e+00
  %.5.i299.i = fptosi float %.554.i to i64
  %.13.i300.i = tail call i64 @llvm.smax.i64(i64 %.5.i299.i, i64 0)
  %.610.i = fadd float %.65.i, %.432.i
  %.5.i301.i = fptosi float %.610.i to i64
  %.13.i302.i = tail call i64 @llvm.smin.i64(i64 %.5.i301.i, i64 %.490.i)
  %.663.i = add nsw i64 %.13.i302.i, 1
  %.700.i = sub i64 %.663.i, %.13.i300.i
  %.743316.not.i = icmp slt i64 %.700.i, 1
  br i1 %.743316.not.i, label %B1935.i, label %B1078.if.lr.ph.i

B1078.if.lr.ph.i:
  %.492.i = fadd float %.65.i, %.425.i
  %.5.i297.i = fptosi float %.492.i to i64
  %.13.i298.i = tail call i64 @llvm.smin.i64(i64 %.5.i297.i, i64 %.490.i)
  %.795.i = add nsw i64 %.13.i298.i, 1
  %.833.i = sub i64 %.795.i, %.13.i.i
  %spec.select309.i = tail call i64 @llvm.smax.i64(i64 %.833.i, i64 0)
  %.876313.not.i = icmp slt i64 %.833.i, 1
  br label %B1078.if.i

B1078.loopexit.i:
  %.743.i = icmp sgt i64 %.690.0318.i, 1
  br i1 %.743.i, label %B1078.if.i, label %B1935.i

B1202.i:
  %.935.i = getelementptr float, ptr %12, i64 %.820.0314.i
  %.936.i = load float, ptr %.935.i, align 4
  %.938.i = fcmp olt float %.393.i, %.936.i
  br i1 %.938.i, label %B1238.i, label %B1260.i

B1238.i:
  store float %.393.i, ptr %.935.i, align 4
  br label %B1260.i

B1260.i:
  %.876.i = icmp sgt i64 %.823.0315.i, 1
  br i1 %.876.i, label %B1152.if.i, label %B1078.loopexit.i

B1614.loopexit.i:
  %9 = add i32 %.13.i304.i, 1
  %10 = icmp eq i64 %.1294.i, 0
  %.1310.i = load i32, ptr %8, align 4
  store i32 %9, ptr %8, align 4
  %.1326.i = load float, ptr %7, align 4
  store i32 %.13.i305.i, ptr %8, align 4
  %.1342.i = load float, ptr %7, align 4
  store i32 %.1310.i, ptr %8, align 4
  %.12.i.i = fcmp ogt float %.1326.i, 1.000000e+00
  %.13.i303.i = select i1 %.12.i.i, float 1.000000e+00, float %.1326.i
  %11 = select i1 %10, float %.1326.i, float %.13.i303.i
  br label %B1764.if.i

B1935.i:
  %exitcond333.not.i = icmp eq i64 %.299.i, %1
  br i1 %exitcond333.not.i, label %B1426.preheader.i, label %B310.if.i

B252.if.i:
  %.99.0312.i = phi i64 [ %.170.i, %B252.if.i ], [ 0, %entry ]
  %.170.i = add nsw i64 %.99.0312.i, 1
  %.196.i = getelementptr float, ptr %7, i64 %.99.0312.i
  store float 0x47EFF933C0000000, ptr %.196.i, align 4
  %exitcond.not.i = icmp eq i64 %.170.i, %.71.i
  br i1 %exitcond.not.i, label %B278.i, label %B252.if.i

B310.if.i:
  %.229.0321.i = phi i64 [ 0, %B310.if.lr.ph.i ], [ %.299.i, %B1935.i ]
  %.299.i = add nsw i64 %.229.0321.i, 1
  %.326.idx.i = mul i64 %.229.0321.i, 12
  %.326.i = getelementptr i8, ptr %0, i64 %.326.idx.i
  %.327.i = load float, ptr %.326.i, align 4
  %.329.i = fmul float %.42.i, %.327.i
  %.333.i = getelementptr i8, ptr %.326.i, i64 4
  %.334.i = load float, ptr %.333.i, align 4
  %.336.i = fmul float %.42.i, %.334.i
  %.340.i = getelementptr i8, ptr %.326.i, i64 8
  %.341.i = load float, ptr %.340.i, align 4
  %.343.i = fmul float %.42.i, %.341.i
  %.346.i = load float, ptr %2, align 4
  %.347.i = fmul float %.329.i, %.346.i
  %.350.i = load float, ptr %.349.i, align 4
  %.351.i = fmul float %.336.i, %.350.i
  %.352.i = fadd float %.347.i, %.351.i
  %.355.i = load float, ptr %.354.i, align 4
  %.356.i = fmul float %.343.i, %.355.i
  %.357.i = fadd float %.352.i, %.356.i
  %.363.i = load float, ptr %.362.i, align 4
  %.364.i = fmul float %.329.i, %.363.i
  %.367.i = load float, ptr %.366.i, align 4
  %.368.i = fmul float %.336.i, %.367.i
  %.369.i = fadd float %.364.i, %.368.i
  %.372.i = load float, ptr %.371.i, align 4
  %.373.i = fmul float %.343.i, %.372.i
  %.374.i = fadd float %.369.i, %.373.i
  %.380.i = load float, ptr %.379.i, align 4
  %.381.i = fmul float %.329.i, %.380.i
  %.384.i = load float, ptr %.383.i, align 4
  %.385.i = fmul float %.336.i, %.384.i
  %.386.i = fadd float %.381.i, %.385.i
  %.389.i = load float, ptr %.388.i, align 4
  %.390.i = fmul float %.343.i, %.389.i
  %.391.i = fadd float %.386.i, %.390.i
  %.393.i = fadd float %3, %.391.i
  %.400.i = fcmp oge float %.393.i, 0.000000e+00
  %.403.i = tail call float @llvm.fabs.f32(float %.357.i)
  %.405.i = fcmp olt float %.403.i, %.51.i
  %or.cond.i = select i1 %.400.i, i1 %.405.i, i1 false
  %.408.i = tail call float @llvm.fabs.f32(float %.374.i)
  %.410.i = fcmp olt float %.408.i, %.51.i
  %or.cond294.i = select i1 %or.cond.i, i1 %.410.i, i1 false
  br i1 %or.cond294.i, label %B716.i, label %B1935.i

B1078.if.i:
  %.690.0318.i = phi i64 [ %.700.i, %B1078.if.lr.ph.i ], [ %.752.i, %B1078.loopexit.i ]
  %.687.0317.i = phi i64 [ %.13.i300.i, %B1078.if.lr.ph.i ], [ %.756.i, %B1078.loopexit.i ]
  %.752.i = add nsw i64 %.690.0318.i, -1
  %.756.i = add i64 %.687.0317.i, 1
  %.786.i = getelementptr float, ptr %4, i64 %.687.0317.i
  %.787.i = load float, ptr %.786.i, align 4
  %.789.i = fsub float %.374.i, %.787.i
  %.790.i = fmul float %.789.i, %.789.i
  br i1 %.876313.not.i, label %B1078.loopexit.i, label %B1152.if.lr.ph.i

B1152.if.lr.ph.i:
  %.931.i = mul nsw i64 %.687.0317.i, %5
  %12 = getelementptr float, ptr %7, i64 %.931.i
  br label %B1152.if.i

B1152.if.i:
  %.823.0315.i = phi i64 [ %spec.select309.i, %B1152.if.lr.ph.i ], [ %.885.i, %B1260.i ]
  %.820.0314.i = phi i64 [ %.13.i.i, %B1152.if.lr.ph.i ], [ %.889.i, %B1260.i ]
  %.885.i = add nsw i64 %.823.0315.i, -1
  %.889.i = add i64 %.820.0314.i, 1
  %.919.i = getelementptr float, ptr %4, i64 %.820.0314.i
  %.920.i = load float, ptr %.919.i, align 4
  %.922.i = fsub float %.357.i, %.920.i
  %.923.i = fmul float %.922.i, %.922.i
  %.925.i = fadd float %.790.i, %.923.i
  %.927.i = fcmp olt float %.925.i, %.46.i
  br i1 %.927.i, label %B1202.i, label %B1260.i

B1426.if.i:
  %farthest.2.0327.i = phi i32 [ %.13.i305.i, %B1426.if.i ], [ 0, %B1426.preheader.i ]
  %background.2.0326.i = phi i64 [ %.1294.i, %B1426.if.i ], [ 0, %B1426.preheader.i ]
  %nearest_less_one.2.0325.i = phi i32 [ %.13.i304.i, %B1426.if.i ], [ -1, %B1426.preheader.i ]
  %.1050.0323.i = phi i64 [ %.1119.i, %B1426.if.i ], [ 0, %B1426.preheader.i ]
  %.1119.i = add nsw i64 %.1050.0323.i, 1
  %.1145.i = getelementptr i32, ptr %8, i64 %.1050.0323.i
  %.1146.i = load i32, ptr %.1145.i, align 4
  %.1151.i = icmp eq i32 %.1146.i, 2139081118
  %.1159.i = add i32 %.1146.i, -1
  %.13.i304.i = tail call i32 @llvm.umin.i32(i32 %.1159.i, i32 %nearest_less_one.2.0325.i)
  %"$phi1566.4.2.1.i" = select i1 %.1151.i, i32 0, i32 %.1146.i
  %.13.i305.i = tail call i32 @llvm.umax.i32(i32 %"$phi1566.4.2.1.i", i32 %farthest.2.0327.i)
  %.1266.i = icmp eq i32 %.1146.i, 0
  %or.cond295.i = or i1 %.1151.i, %.1266.i
  %or.cond295.fr.i = freeze i1 %or.cond295.i
  %"$phi1606.2.2.1.i" = zext i1 %or.cond295.fr.i to i64
  %.1294.i = add i64 %background.2.0326.i, %"$phi1606.2.2.1.i"
  %exitcond334.not.i = icmp eq i64 %.1119.i, %.71.i
  br i1 %exitcond334.not.i, label %B1614.loopexit.i, label %B1426.if.i

B1764.if.i:
  %.1419.0331.i = phi i64 [ %.1488.i, %B1764.if.i ], [ 0, %B1614.loopexit.i ]
  %.1488.i = add nsw i64 %.1419.0331.i, 1
  %.1518.i = getelementptr float, ptr %7, i64 %.1419.0331.i
  %.1519.i = load float, ptr %.1518.i, align 4
  %.1525.i = fsub float %.1519.i, %11
  %.1530.i = fdiv float %.1525.i, %.1342.i
  %.1532.i = fmul float %.1530.i, 2.000000e+02
  %.1537.i = fdiv float %.1532.i, 2.550000e+02
  %.1542.i = fcmp oeq float %.1519.i, 0x47EFF933C0000000
  %.1547.i = fcmp oeq float %.1519.i, 0.000000e+00
  %or.cond296.i = or i1 %.1542.i, %.1547.i
  %"$phi1924.1.2.1.i" = select i1 %or.cond296.i, float 1.000000e+00, float %.1537.i
  store float %"$phi1924.1.2.1.i", ptr %.1518.i, align 4
  %exitcond335.not.i = icmp eq i64 %.1488.i, %.71.i
  br i1 %exitcond335.not.i, label %exit, label %B1764.if.i

exit:
  ret void
}

declare float @llvm.fabs.f32(float)

define void @by_cell(ptr readonly %0, i64 %1, ptr %2, ptr %3, ptr %4, ptr writeonly %5) {
entry:
  %.200.i = add i64 %1, -1
  %spec.select.i = tail call i64 @llvm.smax.i64(i64 %.200.i, i64 0)
  %.243285.not.i = icmp slt i64 %.200.i, 1
  br label %B74.if.i

B288.i:
  %.368.i = phi float [ %.151.i, %B74.if.i ], [ %.13.i280.i, %B150.if.i ]
  %high.2.1.lcssa.i = phi float [ %.151.i, %B74.if.i ], [ %.13.i282.i, %B150.if.i ]
  %.372.i = fsub float %high.2.1.lcssa.i, %.368.i
  %.12.i.i = fcmp ogt float %.372.i, %extent.2.0292.i
  %.13.i.i = select i1 %.12.i.i, float %.372.i, float %extent.2.0292.i
  %exitcond307.not.i = icmp eq i64 %.120.i, 3
  br i1 %exitcond307.not.i, label %B340.i, label %B74.if.i

B340.i:
  %.414.i = fcmp ogt float %.13.i.i, 0.000000e+00
  %.421.i = fdiv float 1.600000e+01, %.13.i.i
  %"$phi446.0.2.0.i" = select i1 %.414.i, float %.421.i, float 0.000000e+00
  %.520299.not.i = icmp slt i64 %1, 1
  br i1 %.520299.not.i, label %B826.preheader.i, label %B478.if.i

B826.preheader.i:
  %load_initial = load i64, ptr %4, align 8
  br label %B826.if.i

B516.loopexit.i:
  %.656.i = add nsw i64 %.587.0296.i, 1
  %exitcond309.not.i = icmp eq i64 %.656.i, 3
  br i1 %exitcond309.not.i, label %B730.i, label %B516.if.i

B730.i:
  %.533.i = add nsw i64 %.464.0300.i, 1
  %.910.i = getelementptr i64, ptr %3, i64 %.464.0300.i
  store i64 %.885.i, ptr %.910.i, align 8
  %6 = getelementptr i64, ptr %4, i64 %.885.i
  %.919.i = getelementptr i8, ptr %6, i64 8
  %.920.i = load i64, ptr %.919.i, align 8
  %.921.i = add nsw i64 %.920.i, 1
  store i64 %.921.i, ptr %.919.i, align 8
  %exitcond310.not.i = icmp eq i64 %1, %.533.i
  br i1 %exitcond310.not.i, label %B826.preheader.i, label %B478.if.i

B912.preheader.i:
  br i1 %.520299.not.i, label %exit, label %B912.if.i

B74.if.i:
  %extent.2.0292.i = phi float [ 0.000000e+00, %entry ], [ %.13.i.i, %B288.i ]
  %.49.0291.i = phi i64 [ 0, %entry ], [ %.120.i, %B288.i ]
  %.120.i = add nsw i64 %.49.0291.i, 1
  %.150.i = getelementptr float, ptr %0, i64 %.49.0291.i
  %.151.i = load float, ptr %.150.i, align 4
  %.158.i = getelementptr float, ptr %2, i64 %.49.0291.i
  store float %.151.i, ptr %.158.i, align 4
  br i1 %.243285.not.i, label %B288.i, label %B150.if.i

B150.if.i:
  %.13.i280289.i = phi float [ %.13.i280.i, %B150.if.i ], [ %.151.i, %B74.if.i ]
  %high.2.1288.i = phi float [ %.13.i282.i, %B150.if.i ], [ %.151.i, %B74.if.i ]
  %.187.0287.i = phi i64 [ %.256.i, %B150.if.i ], [ 1, %B74.if.i ]
  %.256.i = add i64 %.187.0287.i, 1
  %.idx284.i = mul i64 %.187.0287.i, 12
  %gep.i = getelementptr i8, ptr %.150.i, i64 %.idx284.i
  %.290.i = load float, ptr %gep.i, align 4
  %.12.i279.i = fcmp olt float %.290.i, %.13.i280289.i
  %.13.i280.i = select i1 %.12.i279.i, float %.290.i, float %.13.i280289.i
  %.12.i281.i = fcmp ogt float %.290.i, %high.2.1288.i
  %.13.i282.i = select i1 %.12.i281.i, float %.290.i, float %high.2.1288.i
  store float %.13.i280.i, ptr %.158.i, align 4
  %exitcond.not.i = icmp eq i64 %.187.0287.i, %spec.select.i
  br i1 %exitcond.not.i, label %B288.i, label %B150.if.i

B478.if.i:
  %.464.0300.i = phi i64 [ %.533.i, %B730.i ], [ 0, %B340.i ]
  %.idx.i = mul i64 %.464.0300.i, 12
  %7 = getelementptr i8, ptr %0, i64 %.idx.i
  br label %B516.if.i

B516.if.i:
  %code.4.1298.i = phi i64 [ 0, %B478.if.i ], [ %.885.i, %B516.loopexit.i ]
  %.587.0296.i = phi i64 [ 0, %B478.if.i ], [ %.656.i, %B516.loopexit.i ]
  %.695.i = getelementptr float, ptr %7, i64 %.587.0296.i
  %.696.i = load float, ptr %.695.i, align 4
  %.699.i = getelementptr float, ptr %2, i64 %.587.0296.i
  %.700.i = load float, ptr %.699.i, align 4
  %.701.i = fsub float %.696.i, %.700.i
  %.703.i = fmul float %"$phi446.0.2.0.i", %.701.i
  %.5.i.i = fptosi float %.703.i to i64
  %.13.i283.i = tail call i64 @llvm.smin.i64(i64 %.5.i.i, i64 15)
  br label %B682.if.i

B682.if.i:
  %code.3.2295.i = phi i64 [ %code.4.1298.i, %B516.if.i ], [ %.885.i, %B682.if.i ]
  %.783.0293.i = phi i64 [ 0, %B516.if.i ], [ %.852.i, %B682.if.i ]
  %.852.i = add nsw i64 %.783.0293.i, 1
  %.878277.i = lshr i64 %.13.i283.i, %.783.0293.i
  %.879.i = and i64 %.878277.i, 1
  %.880.i = mul nsw i64 %.783.0293.i, 3
  %.882.i = add nsw i64 %.880.i, %.587.0296.i
  %.883.i = shl i64 %.879.i, %.882.i
  %.885.i = or i64 %.883.i, %code.3.2295.i
  %exitcond308.not.i = icmp eq i64 %.852.i, 4
  br i1 %exitcond308.not.i, label %B516.loopexit.i, label %B682.if.i

B826.if.i:
  %store_forwarded = phi i64 [ %load_initial, %B826.preheader.i ], [ %.1084.i, %B826.if.i ]
  %.983.0302.i = phi i64 [ 0, %B826.preheader.i ], [ %.1052.i, %B826.if.i ]
  %.1052.i = add nsw i64 %.983.0302.i, 1
  %8 = getelementptr i64, ptr %4, i64 %.983.0302.i
  %.1079.i = getelementptr i8, ptr %8, i64 8
  %.1080.i = load i64, ptr %.1079.i, align 8
  %.1084.i = add nsw i64 %store_forwarded, %.1080.i
  store i64 %.1084.i, ptr %.1079.i, align 8
  %exitcond311.not.i = icmp eq i64 %.1052.i, 4096
  br i1 %exitcond311.not.i, label %B912.preheader.i, label %B826.if.i

B912.if.i:
  %.1119.0305.i = phi i64 [ %.1188.i, %B912.if.i ], [ 0, %B912.preheader.i ]
  %.1188.i = add nsw i64 %.1119.0305.i, 1
  %.1214.i = getelementptr i64, ptr %3, i64 %.1119.0305.i
  %.1215.i = load i64, ptr %.1214.i, align 8
  %.1217.i = getelementptr i64, ptr %4, i64 %.1215.i
  %.1218.i = load i64, ptr %.1217.i, align 8
  %.1220.i = getelementptr i64, ptr %5, i64 %.1218.i
  store i64 %.1119.0305.i, ptr %.1220.i, align 8
  %.1224.i = load i64, ptr %.1214.i, align 8
  %.1226.i = getelementptr i64, ptr %4, i64 %.1224.i
  %.1227.i = load i64, ptr %.1226.i, align 8
  %.1228.i = add nsw i64 %.1227.i, 1
  store i64 %.1228.i, ptr %.1226.i, align 8
  %exitcond312.not.i = icmp eq i64 %1, %.1188.i
  br i1 %exitcond312.not.i, label %exit, label %B912.if.i

exit:
  ret void
}

define void @farthest(ptr readonly %0, i64 %1, i64 %2, i64 %3, ptr writeonly %4, ptr readonly %5, ptr %6, ptr readonly %7, ptr %8, ptr %9, ptr %10) {
entry:
  %.43.i = add nsw i64 %1, 31
  %.51.0.i = ashr i64 %.43.i, 5
  %.169533.not.i = icmp slt i64 %1, 1
  br i1 %.169533.not.i, label %B246.i, label %B136.if.i

B234.i:
  %.182.i = add nsw i64 %.111.0535.i, 1
  %.351.i = getelementptr float, ptr %6, i64 %.111.0535.i
  store float 0x7FF0000000000000, ptr %.351.i, align 4
  %exitcond574.not.i = icmp eq i64 %1, %.182.i
  br i1 %exitcond574.not.i, label %B246.i, label %B136.if.i

B246.i:
  %.440544.not.i = icmp slt i64 %.51.0.i, 1
  br i1 %.440544.not.i, label %B634.i, label %B276.if.i

B540.i:
  %high.2.2.lcssa.i = phi float [ 0xFFF0000000000000, %B310.if.i ], [ %.13.i507.i, %B422.if.i ]
  %low.2.2.lcssa.i = phi float [ 0x7FF0000000000000, %B310.if.i ], [ %.13.i505.i, %B422.if.i ]
  %.848.i = getelementptr float, ptr %14, i64 %.504.0543.i
  store float %low.2.2.lcssa.i, ptr %.848.i, align 4
  %.861.i = getelementptr float, ptr %15, i64 %.504.0543.i
  store float %high.2.2.lcssa.i, ptr %.861.i, align 4
  %exitcond575.not.i = icmp eq i64 %.573.i, 3
  br i1 %exitcond575.not.i, label %B594.i, label %B310.if.i

B594.i:
  %.453.i = add nsw i64 %.384.0546.i, 1
  %.873.idx.i = shl i64 %.384.0546.i, 7
  %.873.i = getelementptr i8, ptr %7, i64 %.873.idx.i
  %.874.i = load i32, ptr %.873.i, align 4
  %.877.i = getelementptr i32, ptr %10, i64 %.384.0546.i
  store i32 %.874.i, ptr %.877.i, align 4
  %exitcond576.not.i = icmp eq i64 %.51.0.i, %.453.i
  br i1 %exitcond576.not.i, label %B634.i, label %B276.if.i

B634.i:
  %.981570.not.i = icmp slt i64 %2, 1
  br i1 %.981570.not.i, label %exit, label %B710.if.lr.ph.i

B710.if.lr.ph.i:
  %11 = getelementptr float, ptr %8, i64 %1
  %.idx.i = shl i64 %1, 3
  %12 = getelementptr i8, ptr %8, i64 %.idx.i
  br label %B710.if.i

B708.loopexit.i:
  %index.4.1.lcssa.i = phi i64 [ %1, %B710.if.i ], [ %index.5.3.i, %B2062.i ]
  %exitcond579.not.i = icmp eq i64 %.994.i, %2
  br i1 %exitcond579.not.i, label %exit, label %B710.if.i

B1458.i:
  %.1399.i = add nsw i64 %.1396.i, 32
  %.13.i520.i = tail call i64 @llvm.smin.i64(i64 %.1399.i, i64 %1)
  %.1513.i = sub i64 %.13.i520.i, %.1396.i
  %storemerge498.i = tail call i64 @llvm.smax.i64(i64 %.1513.i, i64 0)
  %.1556547.not.i = icmp slt i64 %.1513.i, 1
  br i1 %.1556547.not.i, label %B1782.i, label %B1490.if.i

B1782.i:
  %here.3.2.lcssa.i = phi i32 [ 0, %B1458.i ], [ %.13.i523.i, %B1732.if.i ]
  store i32 %here.3.2.lcssa.i, ptr %.1437.i, align 4
  br label %B1792.i

B1792.i:
  %here.4.2.i = phi i32 [ %here.3.2.lcssa.i, %B1782.i ], [ %.1438.i, %B874.if.i ]
  %.13.i.i = tail call i32 @llvm.umax.i32(i32 %here.4.2.i, i32 %top.2.1558.i)
  %exitcond577.not.i = icmp eq i64 %.51.0.i, %.1149.i
  br i1 %exitcond577.not.i, label %B1862.if.i, label %B874.if.i

B1890.i:
  %.2035.i = shl i64 %.1916.0566.i, 5
  %.2038.i = add nsw i64 %.2035.i, 32
  %.13.i502.i = tail call i64 @llvm.smin.i64(i64 %.2038.i, i64 %1)
  %.2104.i = sub i64 %.13.i502.i, %.2035.i
  %.2150560.not.i = icmp slt i64 %.2104.i, 1
  br i1 %.2150560.not.i, label %B2062.i, label %B1988.if.i

B2016.i:
  %.2206.i = getelementptr i64, ptr %5, i64 %.2091.0561.i
  %.2207.i = load i64, ptr %.2206.i, align 8
  %.13.i503.i = tail call i64 @llvm.smin.i64(i64 %.2207.i, i64 %index.6.2563.i)
  br label %B2060.i

B2060.i:
  %index.7.3.i = phi i64 [ %.13.i503.i, %B2016.i ], [ %index.6.2563.i, %B1988.if.i ]
  %.2150.i = icmp ugt i64 %.2094.0562.i, 1
  br i1 %.2150.i, label %B1988.if.i, label %B2062.i

B2062.i:
  %index.5.3.i = phi i64 [ %index.4.1568.i, %B1862.if.i ], [ %index.4.1568.i, %B1890.i ], [ %index.7.3.i, %B2060.i ]
  %exitcond578.not.i = icmp eq i64 %.51.0.i, %.1985.i
  br i1 %exitcond578.not.i, label %B708.loopexit.i, label %B1862.if.i

B136.if.i:
  %.111.0535.i = phi i64 [ %.182.i, %B234.i ], [ 0, %entry ]
  %.329.i = getelementptr i64, ptr %5, i64 %.111.0535.i
  %invariant.gep.i = getelementptr float, ptr %8, i64 %.111.0535.i
  br label %B170.if.i

B170.if.i:
  %.233.0532.i = phi i64 [ 0, %B136.if.i ], [ %.302.i, %B170.if.i ]
  %.302.i = add nsw i64 %.233.0532.i, 1
  %.330.i = load i64, ptr %.329.i, align 8
  %.idx501.i = mul i64 %.330.i, 12
  %13 = getelementptr i8, ptr %0, i64 %.idx501.i
  %.334.i = getelementptr float, ptr %13, i64 %.233.0532.i
  %.335.i = load float, ptr %.334.i, align 4
  %.337.i = mul nsw i64 %.233.0532.i, %1
  %gep.i = getelementptr float, ptr %invariant.gep.i, i64 %.337.i
  store float %.335.i, ptr %gep.i, align 4
  %exitcond.not.i = icmp eq i64 %.302.i, 3
  br i1 %exitcond.not.i, label %B234.i, label %B170.if.i

B276.if.i:
  %.384.0546.i = phi i64 [ %.453.i, %B594.i ], [ 0, %B246.i ]
  %.613.i = shl i64 %.384.0546.i, 5
  %.614.i = add nsw i64 %.613.i, 32
  %.13.i504.i = tail call i64 @llvm.smin.i64(i64 %.614.i, i64 %1)
  %.680.i = sub i64 %.13.i504.i, %.613.i
  %spec.select529.i = tail call i64 @llvm.smax.i64(i64 %.680.i, i64 0)
  %.723536.not.i = icmp slt i64 %.680.i, 1
  %.idx530.i = mul nsw i64 %.384.0546.i, 24
  %14 = getelementptr i8, ptr %9, i64 %.idx530.i
  %15 = getelementptr i8, ptr %14, i64 12
  br label %B310.if.i

B310.if.i:
  %.504.0543.i = phi i64 [ 0, %B276.if.i ], [ %.573.i, %B540.i ]
  %.573.i = add nsw i64 %.504.0543.i, 1
  br i1 %.723536.not.i, label %B540.i, label %B422.if.lr.ph.i

B422.if.lr.ph.i:
  %.763.i = mul nsw i64 %.504.0543.i, %1
  %16 = getelementptr float, ptr %8, i64 %.763.i
  br label %B422.if.i

B422.if.i:
  %low.2.2540.i = phi float [ 0x7FF0000000000000, %B422.if.lr.ph.i ], [ %.13.i505.i, %B422.if.i ]
  %high.2.2539.i = phi float [ 0xFFF0000000000000, %B422.if.lr.ph.i ], [ %.13.i507.i, %B422.if.i ]
  %.667.0538.i = phi i64 [ %.613.i, %B422.if.lr.ph.i ], [ %.736.i, %B422.if.i ]
  %.670.0537.i = phi i64 [ %spec.select529.i, %B422.if.lr.ph.i ], [ %.732.i, %B422.if.i ]
  %.732.i = add nsw i64 %.670.0537.i, -1
  %.736.i = add i64 %.667.0538.i, 1
  %.766.i = getelementptr float, ptr %16, i64 %.667.0538.i
  %.767.i = load float, ptr %.766.i, align 4
  %.12.i.i = fcmp olt float %.767.i, %low.2.2540.i
  %.13.i505.i = select i1 %.12.i.i, float %.767.i, float %low.2.2540.i
  %.12.i506.i = fcmp ogt float %.767.i, %high.2.2539.i
  %.13.i507.i = select i1 %.12.i506.i, float %.767.i, float %high.2.2539.i
  %.723.i = icmp sgt i64 %.670.0537.i, 1
  br i1 %.723.i, label %B422.if.i, label %B540.i

B710.if.i:
  %index.3.0573.i = phi i64 [ %3, %B710.if.lr.ph.i ], [ %index.4.1.lcssa.i, %B708.loopexit.i ]
  %.924.0571.i = phi i64 [ 0, %B710.if.lr.ph.i ], [ %.994.i, %B708.loopexit.i ]
  %.994.i = add nsw i64 %.924.0571.i, 1
  %.1021.i = getelementptr i64, ptr %4, i64 %.924.0571.i
  store i64 %index.3.0573.i, ptr %.1021.i, align 8
  %.1026.idx.i = mul i64 %index.3.0573.i, 12
  %.1026.i = getelementptr i8, ptr %0, i64 %.1026.idx.i
  %.1027.i = load float, ptr %.1026.i, align 4
  %.1032.i = getelementptr i8, ptr %.1026.i, i64 4
  %.1033.i = load float, ptr %.1032.i, align 4
  %.1040.i = getelementptr i8, ptr %.1026.i, i64 8
  %.1041.i = load float, ptr %.1040.i, align 4
  br i1 %.440544.not.i, label %B708.loopexit.i, label %B874.if.i

B874.if.i:
  %top.2.1558.i = phi i32 [ %.13.i.i, %B1792.i ], [ 0, %B710.if.i ]
  %.1079.0556.i = phi i64 [ %.1149.i, %B1792.i ], [ 0, %B710.if.i ]
  %.1149.i = add nsw i64 %.1079.0556.i, 1
  %.1180.idx.i = mul nsw i64 %.1079.0556.i, 24
  %.1180.i = getelementptr i8, ptr %9, i64 %.1180.idx.i
  %.1181.i = load float, ptr %.1180.i, align 4
  %.1183.i = fsub float %.1181.i, %.1027.i
  %.1188.i = getelementptr i8, ptr %.1180.i, i64 12
  %.1189.i = load float, ptr %.1188.i, align 4
  %.1191.i = fsub float %.1027.i, %.1189.i
  %.12.i508.i = fcmp ogt float %.1191.i, %.1183.i
  %.13.i509.i = select i1 %.12.i508.i, float %.1191.i, float %.1183.i
  %.12.i510.i = fcmp olt float %.13.i509.i, 0.000000e+00
  %.13.i511.i = select i1 %.12.i510.i, float 0.000000e+00, float %.13.i509.i
  %.1253.i = getelementptr i8, ptr %.1180.i, i64 4
  %.1254.i = load float, ptr %.1253.i, align 4
  %.1256.i = fsub float %.1254.i, %.1033.i
  %.1261.i = getelementptr i8, ptr %.1180.i, i64 16
  %.1262.i = load float, ptr %.1261.i, align 4
  %.1264.i = fsub float %.1033.i, %.1262.i
  %.12.i512.i = fcmp ogt float %.1264.i, %.1256.i
  %.13.i513.i = select i1 %.12.i512.i, float %.1264.i, float %.1256.i
  %.12.i514.i = fcmp olt float %.13.i513.i, 0.000000e+00
  %.13.i515.i = select i1 %.12.i514.i, float 0.000000e+00, float %.13.i513.i
  %.1326.i = getelementptr i8, ptr %.1180.i, i64 8
  %.1327.i = load float, ptr %.1326.i, align 4
  %.1329.i = fsub float %.1327.i, %.1041.i
  %.1334.i = getelementptr i8, ptr %.1180.i, i64 20
  %.1335.i = load float, ptr %.1334.i, align 4
  %.1337.i = fsub float %.1041.i, %.1335.i
  %.12.i516.i = fcmp ogt float %.1337.i, %.1329.i
  %.13.i517.i = select i1 %.12.i516.i, float %.1337.i, float %.1329.i
  %.12.i518.i = fcmp olt float %.13.i517.i, 0.000000e+00
  %.13.i519.i = select i1 %.12.i518.i, float 0.000000e+00, float %.13.i517.i
  %.1396.i = shl i64 %.1079.0556.i, 5
  %.1437.i = getelementptr i32, ptr %10, i64 %.1079.0556.i
  %.1438.i = load i32, ptr %.1437.i, align 4
  %.1442.i = fmul float %.13.i511.i, %.13.i511.i
  %.1443.i = fmul float %.13.i515.i, %.13.i515.i
  %.1444.i = fadd float %.1442.i, %.1443.i
  %.1445.i = fmul float %.13.i519.i, %.13.i519.i
  %.1446.i = fadd float %.1444.i, %.1445.i
  %17 = bitcast float %.1446.i to i32
  %.1471.i = icmp ugt i32 %.1438.i, %17
  br i1 %.1471.i, label %B1458.i, label %B1792.i

B1490.if.i:
  %.1503.0549.i = phi i64 [ %.1565.i, %B1490.if.i ], [ %storemerge498.i, %B1458.i ]
  %.1500.0548.i = phi i64 [ %.1569.i, %B1490.if.i ], [ %.1396.i, %B1458.i ]
  %.1565.i = add nsw i64 %.1503.0549.i, -1
  %.1569.i = add i64 %.1500.0548.i, 1
  %.1595.i = getelementptr float, ptr %8, i64 %.1500.0548.i
  %.1596.i = load float, ptr %.1595.i, align 4
  %.1598.i = fsub float %.1596.i, %.1027.i
  %.1602.i = getelementptr float, ptr %11, i64 %.1500.0548.i
  %.1603.i = load float, ptr %.1602.i, align 4
  %.1605.i = fsub float %.1603.i, %.1033.i
  %.1610.i = getelementptr float, ptr %12, i64 %.1500.0548.i
  %.1611.i = load float, ptr %.1610.i, align 4
  %.1613.i = fsub float %.1611.i, %.1041.i
  %.1615.i = getelementptr float, ptr %6, i64 %.1500.0548.i
  %.1616.i = load float, ptr %.1615.i, align 4
  %.1617.i = fmul float %.1598.i, %.1598.i
  %.1618.i = fmul float %.1605.i, %.1605.i
  %.1619.i = fadd float %.1617.i, %.1618.i
  %.1620.i = fmul float %.1613.i, %.1613.i
  %.1621.i = fadd float %.1619.i, %.1620.i
  %.12.i521.i = fcmp olt float %.1621.i, %.1616.i
  %.13.i522.i = select i1 %.12.i521.i, float %.1621.i, float %.1616.i
  store float %.13.i522.i, ptr %.1615.i, align 4
  %.1556.i = icmp ugt i64 %.1503.0549.i, 1
  br i1 %.1556.i, label %B1490.if.i, label %B1732.if.i

B1732.if.i:
  %here.3.2553.i = phi i32 [ %.13.i523.i, %B1732.if.i ], [ 0, %B1490.if.i ]
  %.1694.0552.i = phi i64 [ %.1756.i, %B1732.if.i ], [ %storemerge498.i, %B1490.if.i ]
  %.1691.0551.i = phi i64 [ %.1760.i, %B1732.if.i ], [ %.1396.i, %B1490.if.i ]
  %.1756.i = add nsw i64 %.1694.0552.i, -1
  %.1760.i = add i64 %.1691.0551.i, 1
  %.1786.i = getelementptr i32, ptr %7, i64 %.1691.0551.i
  %.1787.i = load i32, ptr %.1786.i, align 4
  %.13.i523.i = tail call i32 @llvm.umax.i32(i32 %.1787.i, i32 %here.3.2553.i)
  %.1747.i = icmp ugt i64 %.1694.0552.i, 1
  br i1 %.1747.i, label %B1732.if.i, label %B1782.i

B1862.if.i:
  %index.4.1568.i = phi i64 [ %index.5.3.i, %B2062.i ], [ %1, %B1792.i ]
  %.1916.0566.i = phi i64 [ %.1985.i, %B2062.i ], [ 0, %B1792.i ]
  %.1985.i = add nsw i64 %.1916.0566.i, 1
  %.2019.i = getelementptr i32, ptr %10, i64 %.1916.0566.i
  %.2020.i = load i32, ptr %.2019.i, align 4
  %.2022.i = icmp eq i32 %.2020.i, %.13.i.i
  br i1 %.2022.i, label %B1890.i, label %B2062.i

B1988.if.i:
  %index.6.2563.i = phi i64 [ %index.7.3.i, %B2060.i ], [ %index.4.1568.i, %B1890.i ]
  %.2094.0562.i = phi i64 [ %.2159.i, %B2060.i ], [ %.2104.i, %B1890.i ]
  %.2091.0561.i = phi i64 [ %.2163.i, %B2060.i ], [ %.2035.i, %B1890.i ]
  %.2159.i = add nsw i64 %.2094.0562.i, -1
  %.2163.i = add i64 %.2091.0561.i, 1
  %.2199.i = getelementptr i32, ptr %7, i64 %.2091.0561.i
  %.2200.i = load i32, ptr %.2199.i, align 4
  %.2202.i = icmp eq i32 %.2200.i, %.13.i.i
  br i1 %.2202.i, label %B2016.i, label %B2060.i

exit:
  ret void
}

define void @to_local(ptr readonly %0, i64 %1, ptr writeonly %2) {
entry:
  %.14078.not.i = icmp slt i64 %1, 1
  br i1 %.14078.not.i, label %exit, label %B46.if.i

B46.if.i:
  %.64.079.i = phi i64 [ %.153.i, %B46.if.i ], [ 0, %entry ]
  %.186.idx.i = mul i64 %.64.079.i, 24
  %.186.i = getelementptr i8, ptr %0, i64 %.186.idx.i
  %.187.i = load double, ptr %.186.i, align 8
  %.191.i = getelementptr i8, ptr %.186.i, i64 8
  %.192.i = load double, ptr %.191.i, align 8
  %.196.i = getelementptr i8, ptr %.186.i, i64 16
  %.197.i = load double, ptr %.196.i, align 8
  %.208.i = tail call double @llvm.fabs.f64(double %.187.i)
  %.209.i = fcmp one double %.208.i, 0x7FF0000000000000
  %.212.i = tail call double @llvm.fabs.f64(double %.192.i)
  %.213.i = fcmp one double %.212.i, 0x7FF0000000000000
  %or.cond.not95.i = select i1 %.209.i, i1 %.213.i, i1 false
  %.216.i = tail call double @llvm.fabs.f64(double %.197.i)
  %.217.i = fcmp one double %.216.i, 0x7FF0000000000000
  %or.cond77.not94.i = select i1 %or.cond.not95.i, i1 %.217.i, i1 false
  %.153.i = add nsw i64 %.64.079.i, 1
  %exitcond.not.i = icmp eq i64 %1, %.153.i
  %or.cond93.i = select i1 %or.cond77.not94.i, i1 true, i1 %exitcond.not.i
  br i1 %or.cond93.i, label %B338.if.i, label %B46.if.i

B338.if.i:
  %.283.087.i = phi i64 [ %.352.i, %B338.if.i ], [ 0, %B46.if.i ]
  %.352.i = add nsw i64 %.283.087.i, 1
  %3 = mul nsw i64 %.283.087.i, 3
  %.379.i = getelementptr double, ptr %0, i64 %3
  %.380.i = load double, ptr %.379.i, align 8
  %.382.i = fsub double %.380.i, %.187.i
  %.383.i = fptrunc double %.382.i to float
  %.386.i = getelementptr float, ptr %2, i64 %3
  store float %.383.i, ptr %.386.i, align 4
  %.389.i = add nsw i64 %3, 1
  %.391.i = getelementptr double, ptr %0, i64 %.389.i
  %.392.i = load double, ptr %.391.i, align 8
  %.394.i = fsub double %.392.i, %.192.i
  %.395.i = fptrunc double %.394.i to float
  %.399.i = getelementptr float, ptr %2, i64 %.389.i
  store float %.395.i, ptr %.399.i, align 4
  %.402.i = add nsw i64 %3, 2
  %.404.i = getelementptr double, ptr %0, i64 %.402.i
  %.405.i = load double, ptr %.404.i, align 8
  %.407.i = fsub double %.405.i, %.197.i
  %.408.i = fptrunc double %.407.i to float
  %.412.i = getelementptr float, ptr %2, i64 %.402.i
  store float %.408.i, ptr %.412.i, align 4
  %exitcond89.not.i = icmp eq i64 %1, %.352.i
  br i1 %exitcond89.not.i, label %exit, label %B338.if.i

exit:
  ret void
}

declare double @llvm.fabs.f64(double)

define void @number_cells(ptr readonly %0, i64 %1, ptr %2, i64 %3, ptr %4, ptr %5, ptr %6, ptr writeonly %7) {
entry:
  %notmask.i = shl nsw i64 -1, %3
  %.30.i = xor i64 %notmask.i, -1
  %.119198.not.i = icmp slt i64 %1, 1
  br i1 %.119198.not.i, label %exit, label %B54.if.lr.ph.i

B54.if.lr.ph.i:
  %.170.i = sub nsw i64 63, %3
  br label %B54.if.i

B136.i:
  %.201.i = getelementptr i64, ptr %5, i64 %.184.i
  %.202.i = load i64, ptr %.201.i, align 8
  %.204.not.i = icmp eq i64 %.202.i, %.163.i
  br i1 %.204.not.i, label %B248.i, label %B172.i

B172.i:
  %slot.2.1.i = phi i64 [ %.214.i, %B212.i ], [ %.173.i, %B136.i ]
  %.210.i = add nsw i64 %slot.2.1.i, 1
  %.214.i = and i64 %.210.i, %.30.i
  %.223.i = getelementptr i64, ptr %2, i64 %.214.i
  %.224.i = load i64, ptr %.223.i, align 8
  %.225.i = icmp sgt i64 %.224.i, -1
  br i1 %.225.i, label %B212.i, label %B272.i

B212.i:
  %.240.i = getelementptr i64, ptr %5, i64 %.224.i
  %.241.i = load i64, ptr %.240.i, align 8
  %.243.not.i = icmp eq i64 %.241.i, %.163.i
  br i1 %.243.not.i, label %B248.i, label %B172.i

B248.i:
  %.263.i = phi i64 [ %.184.i, %B136.i ], [ %.224.i, %B212.i ]
  %slot.3.2.i = phi i64 [ %.173.i, %B136.i ], [ %.214.i, %B212.i ]
  %.262.i = getelementptr i64, ptr %2, i64 %slot.3.2.i
  br label %B302.i

B272.i:
  %slot.3.2.ph.i = phi i64 [ %.173.i, %B54.if.i ], [ %.214.i, %B172.i ]
  %.262218.i = getelementptr i64, ptr %2, i64 %slot.3.2.ph.i
  store i64 %count.2.0201.i, ptr %.262218.i, align 8
  %.274.i = getelementptr i64, ptr %5, i64 %count.2.0201.i
  store i64 %.163.i, ptr %.274.i, align 8
  %.279.i = add i64 %count.2.0201.i, 1
  %.295.pre.i = load i64, ptr %.262218.i, align 8
  br label %B302.i

B302.i:
  %.262221.i = phi ptr [ %.262218.i, %B272.i ], [ %.262.i, %B248.i ]
  %.295.i = phi i64 [ %.295.pre.i, %B272.i ], [ %.263.i, %B248.i ]
  %count.3.1.i = phi i64 [ %.279.i, %B272.i ], [ %count.2.0201.i, %B248.i ]
  %.298.i = getelementptr i64, ptr %4, i64 %.61.0199.i
  store i64 %.295.i, ptr %.298.i, align 8
  %.305.i = load i64, ptr %.262221.i, align 8
  %8 = getelementptr i64, ptr %6, i64 %.305.i
  %.310.i = getelementptr i8, ptr %8, i64 8
  %.311.i = load i64, ptr %.310.i, align 8
  %.312.i = add nsw i64 %.311.i, 1
  store i64 %.312.i, ptr %.310.i, align 8
  %exitcond.not.i = icmp eq i64 %1, %.132.i
  br i1 %exitcond.not.i, label %B376.i, label %B54.if.i

B376.i:
  %.411202.not.i = icmp slt i64 %count.3.1.i, 1
  br i1 %.411202.not.i, label %B492.if.i.preheader, label %B406.if.i.preheader

B406.if.i.preheader:
  %load_initial = load i64, ptr %6, align 8
  br label %B406.if.i

B576.i:
  %.691208.i = icmp sgt i64 %count.3.1.i, 0
  br i1 %.691208.i, label %B610.if.i.preheader, label %exit

B610.if.i.preheader:
  %scevgep = getelementptr i8, ptr %6, i64 8
  %9 = shl i64 %count.3.1.i, 3
  tail call void @llvm.memmove.p0.p0.i64(ptr align 8 %scevgep, ptr nonnull align 8 %6, i64 %9, i1 false)
  br label %exit

B54.if.i:
  %count.2.0201.i = phi i64 [ 0, %B54.if.lr.ph.i ], [ %count.3.1.i, %B302.i ]
  %.61.0199.i = phi i64 [ 0, %B54.if.lr.ph.i ], [ %.132.i, %B302.i ]
  %.132.i = add nsw i64 %.61.0199.i, 1
  %.162.i = getelementptr i64, ptr %0, i64 %.61.0199.i
  %.163.i = load i64, ptr %.162.i, align 8
  %.168.i = mul nsw i64 %.163.i, 2177342782468422677
  %.171.i = ashr i64 %.168.i, %.170.i
  %.173.i = and i64 %.171.i, %.30.i
  %.183.i = getelementptr i64, ptr %2, i64 %.173.i
  %.184.i = load i64, ptr %.183.i, align 8
  %.185.i = icmp sgt i64 %.184.i, -1
  br i1 %.185.i, label %B136.i, label %B272.i

B406.if.i:
  %store_forwarded = phi i64 [ %load_initial, %B406.if.i.preheader ], [ %.456.i, %B406.if.i ]
  %.355.0203.i = phi i64 [ 0, %B406.if.i.preheader ], [ %.424.i, %B406.if.i ]
  %.424.i = add nsw i64 %.355.0203.i, 1
  %10 = getelementptr i64, ptr %6, i64 %.355.0203.i
  %.451.i = getelementptr i8, ptr %10, i64 8
  %.452.i = load i64, ptr %.451.i, align 8
  %.456.i = add nsw i64 %store_forwarded, %.452.i
  store i64 %.456.i, ptr %.451.i, align 8
  %exitcond211.not.i = icmp eq i64 %count.3.1.i, %.424.i
  br i1 %exitcond211.not.i, label %B492.if.i.preheader, label %B406.if.i

B492.if.i.preheader:
  br label %B492.if.i

B492.if.i:
  %.489.0206.i = phi i64 [ %.558.i, %B492.if.i ], [ 0, %B492.if.i.preheader ]
  %.558.i = add nsw i64 %.489.0206.i, 1
  %.584.i = getelementptr i64, ptr %4, i64 %.489.0206.i
  %.585.i = load i64, ptr %.584.i, align 8
  %.587.i = getelementptr i64, ptr %6, i64 %.585.i
  %.588.i = load i64, ptr %.587.i, align 8
  %.590.i = getelementptr i64, ptr %7, i64 %.588.i
  store i64 %.489.0206.i, ptr %.590.i, align 8
  %.594.i = load i64, ptr %.584.i, align 8
  %.596.i = getelementptr i64, ptr %6, i64 %.594.i
  %.597.i = load i64, ptr %.596.i, align 8
  %.598.i = add nsw i64 %.597.i, 1
  store i64 %.598.i, ptr %.596.i, align 8
  %exitcond212.not.i = icmp eq i64 %1, %.558.i
  br i1 %exitcond212.not.i, label %B576.i, label %B492.if.i

exit:
  %count.2.0.lcssa224226230233.i = phi i64 [ %count.3.1.i, %B576.i ], [ 0, %entry ], [ %count.3.1.i, %B610.if.i.preheader ]
  store i64 0, ptr %6, align 8
  %11 = getelementptr i64, ptr %6, i64 %1
  %.750.i = getelementptr i8, ptr %11, i64 8
  store i64 %count.2.0.lcssa224226230233.i, ptr %.750.i, align 8
  ret void
}

define void @nearest_voxels(ptr readonly %0, ptr readonly %1, ptr readonly %2, ptr readonly %3, i64 %4, ptr readonly %5, i64 %6, i64 %7, i64 %8, i64 %9, ptr %10, ptr %11, ptr writeonly %12) {
entry:
  %notmask.i = shl nsw i64 -1, %6
  %.41.i = xor i64 %notmask.i, -1
  %.50.i = getelementptr i64, ptr %2, i64 %4
  %.51.i = load i64, ptr %.50.i, align 8
  %.137453.not.i = icmp slt i64 %4, 1
  br i1 %.137453.not.i, label %exit, label %B78.if.lr.ph.i

B78.if.lr.ph.i:
  %.45.i = mul nsw i64 %7, %7
  %.569.i = sub nsw i64 63, %6
  %.1251447.not.i = icmp slt i64 %8, 1
  %.1290.i = add nsw i64 %.45.i, 1
  %.1313.i = add nsw i64 %8, -1
  %.1315.i = getelementptr i64, ptr %10, i64 %.1313.i
  %13 = getelementptr i64, ptr %11, i64 %.51.i
  %.idx.i = shl i64 %.51.i, 4
  %14 = getelementptr i8, ptr %11, i64 %.idx.i
  %.1375.i = icmp sgt i64 %8, 1
  %15 = getelementptr i64, ptr %10, i64 %8
  %.1389.i = getelementptr i8, ptr %15, i64 -16
  %.1502.i = getelementptr i8, ptr %15, i64 -8
  br label %B78.if.i

B76.loopexit.i:
  %exitcond462.not.i = icmp eq i64 %.150.i, %4
  br i1 %exitcond462.not.i, label %exit, label %B78.if.i

B118.loopexit.i:
  %.274.i = add nsw i64 %.204.0444.i, 1
  %exitcond458.not.i = icmp eq i64 %.274.i, 2
  br i1 %exitcond458.not.i, label %B670.i, label %B120.if.i

B156.loopexit.i:
  %.400.i = add nsw i64 %.331.0441.i, 1
  %exitcond457.not.i = icmp eq i64 %.400.i, 2
  br i1 %exitcond457.not.i, label %B118.loopexit.i, label %B156.if.i

B330.i:
  %.600.i = getelementptr i64, ptr %3, i64 %.583.i
  %.601.i = load i64, ptr %.600.i, align 8
  %.603.not.i = icmp eq i64 %.601.i, %.562.i
  br i1 %.603.not.i, label %B466.i, label %B366.i

B366.i:
  %slot.2.4.i = phi i64 [ %.613.i, %B406.i ], [ %.572.i, %B330.i ]
  %.609.i = add nsw i64 %slot.2.4.i, 1
  %.613.i = and i64 %.609.i, %.41.i
  %.622.i = getelementptr i64, ptr %5, i64 %.613.i
  %.623.i = load i64, ptr %.622.i, align 8
  %.624.i = icmp sgt i64 %.623.i, -1
  br i1 %.624.i, label %B406.i, label %B662.i

B406.i:
  %.639.i = getelementptr i64, ptr %3, i64 %.623.i
  %.640.i = load i64, ptr %.639.i, align 8
  %.642.not.i = icmp eq i64 %.640.i, %.562.i
  br i1 %.642.not.i, label %B466.i, label %B366.i

B466.i:
  %.664.ph.i = phi i64 [ %.583.i, %B330.i ], [ %.623.i, %B406.i ]
  %.680.i = getelementptr i64, ptr %2, i64 %.664.ph.i
  %.681.i = load i64, ptr %.680.i, align 8
  %.690.i = getelementptr i8, ptr %.680.i, i64 8
  %.691.i = load i64, ptr %.690.i, align 8
  %.728.i = sub i64 %.691.i, %.681.i
  %.774434.not.i = icmp slt i64 %.728.i, 1
  br i1 %.774434.not.i, label %B662.i, label %B552.if.i

B650.i:
  %.783.i = add nsw i64 %.718.0436.i, -1
  %.787.i = add i64 %.715.0435.i, 1
  %.958.i = add nsw i64 %found.2.4437.i, 1
  %.774.i = icmp sgt i64 %.718.0436.i, 1
  br i1 %.774.i, label %B552.if.i, label %B662.i

B662.i:
  %found.4.5.i = phi i64 [ %found.3.3440.i, %B192.if.i ], [ %found.3.3440.i, %B466.i ], [ %.958.i, %B650.i ], [ %found.3.3440.i, %B366.i ]
  %exitcond456.not.i = icmp eq i64 %.526.i, 2
  br i1 %exitcond456.not.i, label %B156.loopexit.i, label %B192.if.i

B670.i:
  %.150.i = add nsw i64 %.78.0454.i, 1
  %.1006.i = getelementptr i64, ptr %2, i64 %.78.0454.i
  %.1007.i = load i64, ptr %.1006.i, align 8
  %.1013.i = getelementptr i8, ptr %.1006.i, i64 8
  %.1014.i = load i64, ptr %.1013.i, align 8
  %.1051.i = sub i64 %.1014.i, %.1007.i
  %.1095450.not.i = icmp slt i64 %.1051.i, 1
  br i1 %.1095450.not.i, label %B76.loopexit.i, label %B734.if.lr.ph.i

B734.if.lr.ph.i:
  %.1304.i = icmp sgt i64 %found.4.5.i, 0
  %16 = add nsw i64 %found.4.5.i, -1
  br label %B734.if.i

B904.i:
  br i1 %.1304.i, label %B920.i, label %B1304.i

B920.i:
  %.1316.i = load i64, ptr %.1315.i, align 8
  %.1318.i = icmp sgt i64 %.1316.i, %9
  br i1 %.1318.i, label %B950.i, label %B1304.i

B950.i:
  %.1358.i = phi i64 [ %.1478.i, %B1274.i ], [ %.1316.i, %B920.i ]
  %k.2.2.i = phi i64 [ %.1459.i, %B1274.i ], [ 0, %B920.i ]
  %.1325.i = getelementptr i64, ptr %11, i64 %k.2.2.i
  %.1326.i = load i64, ptr %.1325.i, align 8
  %.1328.i = sub nsw i64 %.1326.i, %.1143.i
  %.1333.i = getelementptr i64, ptr %13, i64 %k.2.2.i
  %.1334.i = load i64, ptr %.1333.i, align 8
  %.1336.i = sub nsw i64 %.1334.i, %.1152.i
  %.1342.i = getelementptr i64, ptr %14, i64 %k.2.2.i
  %.1343.i = load i64, ptr %.1342.i, align 8
  %.1345.i = sub nsw i64 %.1343.i, %.1161.i
  %.1346.i = mul nsw i64 %.1328.i, %.1328.i
  %.1347.i = mul nsw i64 %.1336.i, %.1336.i
  %.1348.i = add nsw i64 %.1347.i, %.1346.i
  %.1349.i = mul nsw i64 %.1345.i, %.1345.i
  %.1350.i = add nsw i64 %.1348.i, %.1349.i
  %.1360.i = icmp slt i64 %.1350.i, %.1358.i
  %.1363.i = icmp ne i64 %.1350.i, 0
  %or.cond.i = and i1 %.1360.i, %.1363.i
  br i1 %or.cond.i, label %B1110.i, label %B1252.i

B1110.i:
  br i1 %.1375.i, label %B1132.i, label %B1242.i

B1132.i:
  %.1390.i = load i64, ptr %.1389.i, align 8
  %.1392.i = icmp sgt i64 %.1390.i, %.1350.i
  br i1 %.1392.i, label %B1162.i, label %B1242.i

B1162.i:
  %b.3.3.i = phi i64 [ %.1398.i, %B1212.i ], [ %.1313.i, %B1132.i ]
  %.1398.i = add nsw i64 %b.3.3.i, -1
  %.1400.i = getelementptr i64, ptr %10, i64 %.1398.i
  %.1401.i = load i64, ptr %.1400.i, align 8
  %.1404.i = getelementptr i64, ptr %10, i64 %b.3.3.i
  store i64 %.1401.i, ptr %.1404.i, align 8
  %.1417.i = icmp sgt i64 %b.3.3.i, 1
  br i1 %.1417.i, label %B1212.i, label %B1242.i

B1212.i:
  %.1430.i = getelementptr i8, ptr %.1404.i, i64 -16
  %.1431.i = load i64, ptr %.1430.i, align 8
  %.1433.i = icmp sgt i64 %.1431.i, %.1350.i
  br i1 %.1433.i, label %B1162.i, label %B1242.i

B1242.i:
  %b.4.4.i = phi i64 [ %.1313.i, %B1132.i ], [ %.1313.i, %B1110.i ], [ %.1398.i, %B1212.i ], [ 0, %B1162.i ]
  %.1449.i = getelementptr i64, ptr %10, i64 %b.4.4.i
  store i64 %.1350.i, ptr %.1449.i, align 8
  br label %B1252.i

B1252.i:
  %exitcond461.not.i = icmp eq i64 %k.2.2.i, %16
  br i1 %exitcond461.not.i, label %B1304.i, label %B1274.i

B1274.i:
  %.1459.i = add nsw i64 %k.2.2.i, 1
  %.1478.i = load i64, ptr %.1315.i, align 8
  %.1480.i = icmp sgt i64 %.1478.i, %9
  br i1 %.1480.i, label %B950.i, label %B1304.i

B1304.i:
  %.1503.i = load i64, ptr %.1502.i, align 8
  %.1507.i = load i64, ptr %.1138.i, align 8
  %.1511.i = getelementptr i64, ptr %12, i64 %.1507.i
  store i64 %.1503.i, ptr %.1511.i, align 8
  %.1095.i = icmp sgt i64 %.1041.0452.i, 1
  br i1 %.1095.i, label %B734.if.i, label %B76.loopexit.i

B78.if.i:
  %.78.0454.i = phi i64 [ 0, %B78.if.lr.ph.i ], [ %.150.i, %B76.loopexit.i ]
  %.553.i = getelementptr i64, ptr %3, i64 %.78.0454.i
  br label %B120.if.i

B120.if.i:
  %found.6.1446.i = phi i64 [ 0, %B78.if.i ], [ %found.4.5.i, %B118.loopexit.i ]
  %.204.0444.i = phi i64 [ -1, %B78.if.i ], [ %.274.i, %B118.loopexit.i ]
  %17 = shl nsw i64 %.204.0444.i, 42
  br label %B156.if.i

B156.if.i:
  %found.5.2443.i = phi i64 [ %found.6.1446.i, %B120.if.i ], [ %found.4.5.i, %B156.loopexit.i ]
  %.331.0441.i = phi i64 [ -1, %B120.if.i ], [ %.400.i, %B156.loopexit.i ]
  %18 = shl nsw i64 %.331.0441.i, 21
  %.558.i = add nsw i64 %18, %17
  br label %B192.if.i

B192.if.i:
  %found.3.3440.i = phi i64 [ %found.5.2443.i, %B156.if.i ], [ %found.4.5.i, %B662.i ]
  %.457.0438.i = phi i64 [ -1, %B156.if.i ], [ %.526.i, %B662.i ]
  %.526.i = add nsw i64 %.457.0438.i, 1
  %.554.i = load i64, ptr %.553.i, align 8
  %.561.i = add nsw i64 %.558.i, %.457.0438.i
  %.562.i = add i64 %.561.i, %.554.i
  %.567.i = mul nsw i64 %.562.i, 2177342782468422677
  %.570.i = ashr i64 %.567.i, %.569.i
  %.572.i = and i64 %.570.i, %.41.i
  %.582.i = getelementptr i64, ptr %5, i64 %.572.i
  %.583.i = load i64, ptr %.582.i, align 8
  %.584.i = icmp sgt i64 %.583.i, -1
  br i1 %.584.i, label %B330.i, label %B662.i

B552.if.i:
  %found.2.4437.i = phi i64 [ %.958.i, %B650.i ], [ %found.3.3440.i, %B466.i ]
  %.718.0436.i = phi i64 [ %.783.i, %B650.i ], [ %.728.i, %B466.i ]
  %.715.0435.i = phi i64 [ %.787.i, %B650.i ], [ %.681.i, %B466.i ]
  %.936.i = getelementptr i64, ptr %1, i64 %.715.0435.i
  %invariant.gep.i = getelementptr i64, ptr %11, i64 %found.2.4437.i
  br label %B586.if.i

B586.if.i:
  %.840.0432.i = phi i64 [ 0, %B552.if.i ], [ %.909.i, %B586.if.i ]
  %.909.i = add nsw i64 %.840.0432.i, 1
  %.937.i = load i64, ptr %.936.i, align 8
  %.idx425.i = mul i64 %.937.i, 24
  %19 = getelementptr i8, ptr %0, i64 %.idx425.i
  %.941.i = getelementptr i64, ptr %19, i64 %.840.0432.i
  %.942.i = load i64, ptr %.941.i, align 8
  %.944.i = mul nsw i64 %.840.0432.i, %.51.i
  %gep.i = getelementptr i64, ptr %invariant.gep.i, i64 %.944.i
  store i64 %.942.i, ptr %gep.i, align 8
  %exitcond.not.i = icmp eq i64 %.909.i, 3
  br i1 %exitcond.not.i, label %B650.i, label %B586.if.i

B734.if.i:
  %.1041.0452.i = phi i64 [ %.1051.i, %B734.if.lr.ph.i ], [ %.1104.i, %B1304.i ]
  %.1038.0451.i = phi i64 [ %.1007.i, %B734.if.lr.ph.i ], [ %.1108.i, %B1304.i ]
  %.1104.i = add nsw i64 %.1041.0452.i, -1
  %.1108.i = add i64 %.1038.0451.i, 1
  %.1138.i = getelementptr i64, ptr %1, i64 %.1038.0451.i
  %.1139.i = load i64, ptr %.1138.i, align 8
  %.1142.idx.i = mul i64 %.1139.i, 24
  %.1142.i = getelementptr i8, ptr %0, i64 %.1142.idx.i
  %.1143.i = load i64, ptr %.1142.i, align 8
  %.1151.i = getelementptr i8, ptr %.1142.i, i64 8
  %.1152.i = load i64, ptr %.1151.i, align 8
  %.1160.i = getelementptr i8, ptr %.1142.i, i64 16
  %.1161.i = load i64, ptr %.1160.i, align 8
  br i1 %.1251447.not.i, label %B904.i, label %B882.if.i

B882.if.i:
  %.1195.0448.i = phi i64 [ %.1264.i, %B882.if.i ], [ 0, %B734.if.i ]
  %.1264.i = add nsw i64 %.1195.0448.i, 1
  %.1292.i = getelementptr i64, ptr %10, i64 %.1195.0448.i
  store i64 %.1290.i, ptr %.1292.i, align 8
  %exitcond459.not.i = icmp eq i64 %8, %.1264.i
  br i1 %exitcond459.not.i, label %B904.i, label %B882.if.i

exit:
  ret void
}

define void @link_cells(ptr readonly %0, ptr readonly %1, ptr readonly %2, ptr readonly %3, i64 %4, ptr readonly %5, i64 %6, i64 %7, i64 %8, i64 %9, ptr %10, ptr %11) {
entry:
  %notmask.i = shl nsw i64 -1, %6
  %.42.i = xor i64 %notmask.i, -1
  %.490581.not.i = icmp slt i64 %4, 1
  %.1147.i = sub nsw i64 63, %6
  br label %B58.i

B54.loopexit.i:
  br i1 %exitcond599.not.i, label %B1900.if.i, label %B58.i.backedge

B54.loopexit.thread.i:
  br i1 %exitcond599.not.i, label %exit, label %B58.i.backedge

B58.i.backedge:
  br label %B58.i

B58.i:
  %largest.3.0586.i = phi i64 [ -1, %entry ], [ %largest.2.2536.i, %B58.i.backedge ]
  %12 = phi i1 [ true, %entry ], [ false, %B58.i.backedge ]
  %exitcond599.not.i = phi i1 [ false, %entry ], [ true, %B58.i.backedge ]
  %brmerge592.i = select i1 %12, i1 true, i1 %.490581.not.i
  %.mux593.i = select i1 %12, i64 1, i64 %8
  br i1 %brmerge592.i, label %B244.thread.i, label %B94.if.i

B126.i:
  %.328.i = phi i64 [ %.335.i, %B126.i ], [ %.322.i, %B94.if.i ]
  %.334.i = getelementptr i64, ptr %11, i64 %.328.i
  %.335.i = load i64, ptr %.334.i, align 8
  %.336.not.i = icmp eq i64 %.335.i, %.328.i
  br i1 %.336.not.i, label %B166.i, label %B126.i

B166.i:
  %root.5.3.i = phi i64 [ %.211.0567.i, %B94.if.i ], [ %.328.i, %B126.i ]
  store i64 %root.5.3.i, ptr %.321.i, align 8
  %.355.i = getelementptr i64, ptr %10, i64 %root.5.3.i
  %.356.i = load i64, ptr %.355.i, align 8
  %.357.i = add nsw i64 %.356.i, 1
  store i64 %.357.i, ptr %.355.i, align 8
  %.366.i = shl nsw i64 %.357.i, 1
  %.368.i = icmp sgt i64 %.366.i, %4
  %spec.select.i = select i1 %.368.i, i64 %root.5.3.i, i64 %largest.4.1568.i
  %exitcond.not.i = icmp eq i64 %4, %.283.i
  br i1 %exitcond.not.i, label %B244.thread.i, label %B94.if.i

B244.thread.i:
  %largest.2.2536.i = phi i64 [ %largest.3.0586.i, %B58.i ], [ %spec.select.i, %B166.i ]
  %13 = phi i64 [ %.mux593.i, %B58.i ], [ %8, %B166.i ]
  br i1 %.490581.not.i, label %B54.loopexit.thread.i, label %B290.lr.ph.i

B290.lr.ph.i:
  %.574.i = sub i64 0, %13
  %.568.inv.i = icmp slt i64 %largest.2.2536.i, 0
  %"$phi406.4.2.2.i" = select i1 %.568.inv.i, i64 0, i64 %.574.i
  %.583.i = add nsw i64 %13, 1
  %.625.i = sub i64 %.583.i, %"$phi406.4.2.2.i"
  %spec.select563.i = tail call i64 @llvm.smax.i64(i64 %.625.i, i64 0)
  %.669578.not596.i = icmp slt i64 %.625.i, 1
  %.750.i = add i64 %.583.i, %13
  %storemerge509.i = tail call i64 @llvm.smax.i64(i64 %.750.i, i64 0)
  %.794575.not.i = icmp slt i64 %.750.i, 1
  br label %B290.i

B290.i:
  %.433.0582.i = phi i64 [ 0, %B290.lr.ph.i ], [ %.503.i, %B1941.i ]
  %.503.i = add nsw i64 %.433.0582.i, 1
  %.539.i = getelementptr i64, ptr %11, i64 %.433.0582.i
  %.540.i = load i64, ptr %.539.i, align 8
  %.541.not.i = icmp eq i64 %.540.i, %.433.0582.i
  br i1 %.541.not.i, label %B360.i, label %B320.i

B320.i:
  %.546.i = phi i64 [ %.553.i, %B320.i ], [ %.540.i, %B290.i ]
  %.552.i = getelementptr i64, ptr %11, i64 %.546.i
  %.553.i = load i64, ptr %.552.i, align 8
  %.554.not.i = icmp eq i64 %.553.i, %.546.i
  br i1 %.554.not.i, label %B360.i, label %B320.i

B360.i:
  %root.7.3.i = phi i64 [ %.433.0582.i, %B290.i ], [ %.546.i, %B320.i ]
  %.560.i = icmp eq i64 %root.7.3.i, %largest.2.2536.i
  %brmerge594.i = select i1 %.560.i, i1 true, i1 %.669578.not596.i
  br i1 %brmerge594.i, label %B1941.i, label %B434.lr.ph.i

B434.lr.ph.i:
  %.1128.i = getelementptr i64, ptr %3, i64 %.433.0582.i
  %.1355.i = getelementptr i64, ptr %2, i64 %.433.0582.i
  %.1363.i = getelementptr i8, ptr %.1355.i, i64 8
  br label %B434.i

B430.loopexit.i:
  %.669.i = icmp sgt i64 %.615.0580.i, 1
  br i1 %.669.i, label %B434.i, label %B1941.i

B434.i:
  %.615.0580.i = phi i64 [ %spec.select563.i, %B434.lr.ph.i ], [ %.678.i, %B430.loopexit.i ]
  %.612.0579.i = phi i64 [ %"$phi406.4.2.2.i", %B434.lr.ph.i ], [ %.682.i, %B430.loopexit.i ]
  %.678.i = add nsw i64 %.615.0580.i, -1
  %.682.i = add i64 %.612.0579.i, 1
  br i1 %.794575.not.i, label %B430.loopexit.i, label %B480.lr.ph.i

B480.lr.ph.i:
  %.964.i = icmp eq i64 %.612.0579.i, 0
  %or.cond.i = select i1 %.568.inv.i, i1 %.964.i, i1 false
  %.984.i = tail call i64 @llvm.abs.i64(i64 %.612.0579.i, i1 false)
  %.1032.i = add nsw i64 %.984.i, -1
  %.1034.i = mul nsw i64 %.1032.i, %7
  %.1035.i = add nsw i64 %.1034.i, 1
  %14 = mul nsw i64 %.1035.i, %.1035.i
  %.1132.i = shl i64 %.612.0579.i, 42
  %spec.select591.i = select i1 %.964.i, i64 0, i64 %14
  br label %B480.i

B476.loopexit.i:
  %.803.i = add nsw i64 %.740.0577.i, -1
  %.807.i = add i64 %.737.0576.i, 1
  %.794.i = icmp sgt i64 %.740.0577.i, 1
  br i1 %.794.i, label %B480.i, label %B430.loopexit.i

B480.i:
  %.740.0577.i = phi i64 [ %storemerge509.i, %B480.lr.ph.i ], [ %.803.i, %B476.loopexit.i ]
  %.737.0576.i = phi i64 [ %.574.i, %B480.lr.ph.i ], [ %.807.i, %B476.loopexit.i ]
  %.967.i = icmp slt i64 %.737.0576.i, 0
  %.970.i = icmp eq i64 %.737.0576.i, 0
  %.988.i = tail call i64 @llvm.abs.i64(i64 %.737.0576.i, i1 false)
  %.17.i.i = tail call i64 @llvm.smax.i64(i64 %.988.i, i64 %.984.i)
  %.1040.i = add nsw i64 %.988.i, -1
  %.1042.i = mul nsw i64 %.1040.i, %7
  %.1043.i = add nsw i64 %.1042.i, 1
  %15 = mul nsw i64 %.1043.i, %.1043.i
  %"$phi890.6.2.5.i" = select i1 %.970.i, i64 0, i64 %15
  %.1135.i = shl i64 %.737.0576.i, 21
  %.1133.i = add i64 %.1135.i, %.1132.i
  %invariant.op.i = add nsw i64 %"$phi890.6.2.5.i", %spec.select591.i
  br label %B524.if.i

B552.i:
  %.973.i = icmp slt i64 %.862.0573.i, 1
  %or.cond1.i = select i1 %.970.i, i1 %.973.i, i1 false
  %or.cond590.i = select i1 %.967.i, i1 true, i1 %or.cond1.i
  br i1 %or.cond590.i, label %B1942.i, label %B590.i

B590.i:
  %.pre.i = tail call i64 @llvm.abs.i64(i64 %.862.0573.i, i1 false)
  %.19.i.i = tail call i64 @llvm.smax.i64(i64 %.pre.i, i64 %.17.i.i)
  %.1023.i = icmp sgt i64 %.19.i.i, 1
  %or.cond610.not.i = select i1 %12, i1 true, i1 %.1023.i
  br i1 %or.cond610.not.i, label %B716.i, label %B1942.i

B716.i:
  %.1048.i = add nsw i64 %.pre.i, -1
  %.1050.i = mul nsw i64 %.1048.i, %7
  %.1051.i = add nsw i64 %.1050.i, 1
  %.1092.not.i = icmp eq i64 %.862.0573.i, 0
  %16 = mul nsw i64 %.1051.i, %.1051.i
  %"$phi890.7.2.5.i" = select i1 %.1092.not.i, i64 0, i64 %16
  %.1119.reass.i = add nsw i64 %invariant.op.i, %"$phi890.7.2.5.i"
  %.1121.i = icmp sgt i64 %.1119.reass.i, %9
  br i1 %.1121.i, label %B1942.i, label %B940.i

B940.i:
  %.1129.i = load i64, ptr %.1128.i, align 8
  %.1136.i = add i64 %.1133.i, %.862.0573.i
  %.1138.i = add i64 %.1136.i, %.1129.i
  %.1145.i = mul nsw i64 %.1138.i, 2177342782468422677
  %.1148.i = ashr i64 %.1145.i, %.1147.i
  %.1150.i = and i64 %.1148.i, %.42.i
  %.1160.i = getelementptr i64, ptr %5, i64 %.1150.i
  %.1161.i = load i64, ptr %.1160.i, align 8
  %.1162.i = icmp sgt i64 %.1161.i, -1
  br i1 %.1162.i, label %B1074.i, label %B1942.i

B1074.i:
  %.1178.i = getelementptr i64, ptr %3, i64 %.1161.i
  %.1179.i = load i64, ptr %.1178.i, align 8
  %.1181.not.i = icmp eq i64 %.1179.i, %.1138.i
  br i1 %.1181.not.i, label %B1218.i, label %B1110.i

B1110.i:
  %slot.2.5.i = phi i64 [ %.1191.i, %B1150.i ], [ %.1150.i, %B1074.i ]
  %.1187.i = add nsw i64 %slot.2.5.i, 1
  %.1191.i = and i64 %.1187.i, %.42.i
  %.1200.i = getelementptr i64, ptr %5, i64 %.1191.i
  %.1201.i = load i64, ptr %.1200.i, align 8
  %.1202.i = icmp sgt i64 %.1201.i, -1
  br i1 %.1202.i, label %B1150.i, label %B1942.i

B1150.i:
  %.1217.i = getelementptr i64, ptr %3, i64 %.1201.i
  %.1218.i = load i64, ptr %.1217.i, align 8
  %.1220.not.i = icmp eq i64 %.1218.i, %.1138.i
  br i1 %.1220.not.i, label %B1218.i, label %B1110.i

B1218.i:
  %.1238.i = phi i64 [ %.1161.i, %B1074.i ], [ %.1201.i, %B1150.i ]
  %.1263.i = load i64, ptr %.539.i, align 8
  %.1264.not.i = icmp eq i64 %.1263.i, %.433.0582.i
  br i1 %.1264.not.i, label %B1324.i, label %B1250.i

B1250.i:
  %.1269.i = phi i64 [ %.1287.i, %B1250.i ], [ %.1263.i, %B1218.i ]
  %a.2.5.i = phi i64 [ %.1272.i, %B1250.i ], [ %.433.0582.i, %B1218.i ]
  %.1268.i = getelementptr i64, ptr %11, i64 %a.2.5.i
  %.1271.i = getelementptr i64, ptr %11, i64 %.1269.i
  %.1272.i = load i64, ptr %.1271.i, align 8
  store i64 %.1272.i, ptr %.1268.i, align 8
  %.1286.i = getelementptr i64, ptr %11, i64 %.1272.i
  %.1287.i = load i64, ptr %.1286.i, align 8
  %.1288.not.i = icmp eq i64 %.1287.i, %.1272.i
  br i1 %.1288.not.i, label %B1324.i, label %B1250.i

B1324.i:
  %a.3.6.i = phi i64 [ %.433.0582.i, %B1218.i ], [ %.1272.i, %B1250.i ]
  %.1302.i = getelementptr i64, ptr %11, i64 %.1238.i
  %.1303.i = load i64, ptr %.1302.i, align 8
  %.1305.not.i = icmp eq i64 %.1303.i, %.1238.i
  br i1 %.1305.not.i, label %B1422.i, label %B1348.i

B1348.i:
  %.1312.i = phi i64 [ %.1330.i, %B1348.i ], [ %.1303.i, %B1324.i ]
  %b.2.5.i = phi i64 [ %.1315.i, %B1348.i ], [ %.1238.i, %B1324.i ]
  %.1311.i = getelementptr i64, ptr %11, i64 %b.2.5.i
  %.1314.i = getelementptr i64, ptr %11, i64 %.1312.i
  %.1315.i = load i64, ptr %.1314.i, align 8
  store i64 %.1315.i, ptr %.1311.i, align 8
  %.1329.i = getelementptr i64, ptr %11, i64 %.1315.i
  %.1330.i = load i64, ptr %.1329.i, align 8
  %.1331.not.i = icmp eq i64 %.1330.i, %.1315.i
  br i1 %.1331.not.i, label %B1422.i, label %B1348.i

B1422.i:
  %b.3.6.i = phi i64 [ %.1238.i, %B1324.i ], [ %.1315.i, %B1348.i ]
  %.1337.i = icmp eq i64 %a.3.6.i, %b.3.6.i
  br i1 %.1337.i, label %B1942.i, label %B1438.i

B1438.i:
  %.1356.i = load i64, ptr %.1355.i, align 8
  %.1364.i = load i64, ptr %.1363.i, align 8
  %.1366.i = icmp slt i64 %.1356.i, %.1364.i
  br i1 %.1366.i, label %B1492.preheader.i, label %B1942.i

B1492.preheader.i:
  %.1398.i = getelementptr i64, ptr %2, i64 %.1238.i
  %.1399.i = load i64, ptr %.1398.i, align 8
  %.1406.i = getelementptr i8, ptr %.1398.i, i64 8
  %.1407.i = load i64, ptr %.1406.i, align 8
  %.1409.i = icmp slt i64 %.1399.i, %.1407.i
  br label %B1492.i

B1492.i:
  %m.2.5.i = phi i64 [ %.1635.i, %B1736.i ], [ %.1356.i, %B1492.preheader.i ]
  br i1 %.1409.i, label %B1542.preheader.i, label %B1736.i

B1542.preheader.i:
  %.1551.i = getelementptr i64, ptr %1, i64 %m.2.5.i
  %.1552.i = load i64, ptr %.1551.i, align 8
  %.idx.i = mul i64 %.1552.i, 24
  %17 = getelementptr i8, ptr %0, i64 %.idx.i
  br label %B1542.i

B1542.i:
  %k.2.6.i = phi i64 [ %.1590.i, %B1680.i ], [ %.1399.i, %B1542.preheader.i ]
  %.1560.i = getelementptr i64, ptr %1, i64 %k.2.6.i
  %.1561.i = load i64, ptr %.1560.i, align 8
  %.idx511.i = mul i64 %.1561.i, 24
  %18 = getelementptr i8, ptr %0, i64 %.idx511.i
  br label %B1576.if.i

B1680.i:
  %.1580.i = icmp sle i64 %.1570.i, %9
  %.1590.i = add nsw i64 %k.2.6.i, 1
  %.1602.i = icmp sge i64 %.1590.i, %.1407.i
  %brmerge.i = select i1 %.1602.i, i1 true, i1 %.1580.i
  br i1 %brmerge.i, label %B1736.loopexit.i, label %B1542.i

B1736.loopexit.i:
  %not..1602.le.i = xor i1 %.1602.i, true
  %.1580.mux.le.i = select i1 %not..1602.le.i, i1 true, i1 %.1580.i
  br label %B1736.i

B1736.i:
  %linked.3.7.i = phi i1 [ false, %B1492.i ], [ %.1580.mux.le.i, %B1736.loopexit.i ]
  %.1635.i = add nsw i64 %m.2.5.i, 1
  %.1647.i = icmp sge i64 %.1635.i, %.1364.i
  %brmerge512.i = select i1 %.1647.i, i1 true, i1 %linked.3.7.i
  br i1 %brmerge512.i, label %B1780.i, label %B1492.i

B1780.i:
  %not..1647.i = xor i1 %.1647.i, true
  %linked.3.7.mux.i = select i1 %not..1647.i, i1 true, i1 %linked.3.7.i
  br i1 %linked.3.7.mux.i, label %B1784.i, label %B1942.i

B1784.i:
  %.13.i.i = tail call i64 @llvm.smin.i64(i64 %b.3.6.i, i64 %a.3.6.i)
  %.13.i513.i = tail call i64 @llvm.smax.i64(i64 %b.3.6.i, i64 %a.3.6.i)
  %.1752.i = getelementptr i64, ptr %11, i64 %.13.i513.i
  store i64 %.13.i.i, ptr %.1752.i, align 8
  br label %B1942.i

B1941.i:
  %exitcond598.not.i = icmp eq i64 %4, %.503.i
  br i1 %exitcond598.not.i, label %B54.loopexit.i, label %B290.i

B1942.i:
  %.919.i = icmp sgt i64 %.865.0574.i, 1
  br i1 %.919.i, label %B524.if.i, label %B476.loopexit.i

B94.if.i:
  %largest.4.1568.i = phi i64 [ %spec.select.i, %B166.i ], [ %largest.3.0586.i, %B58.i ]
  %.211.0567.i = phi i64 [ %.283.i, %B166.i ], [ 0, %B58.i ]
  %.283.i = add nsw i64 %.211.0567.i, 1
  %.321.i = getelementptr i64, ptr %11, i64 %.211.0567.i
  %.322.i = load i64, ptr %.321.i, align 8
  %.323.not.i = icmp eq i64 %.322.i, %.211.0567.i
  br i1 %.323.not.i, label %B166.i, label %B126.i

B524.if.i:
  %.865.0574.i = phi i64 [ %storemerge509.i, %B480.i ], [ %.928.i, %B1942.i ]
  %.862.0573.i = phi i64 [ %.574.i, %B480.i ], [ %.932.i, %B1942.i ]
  %.928.i = add nsw i64 %.865.0574.i, -1
  %.932.i = add i64 %.862.0573.i, 1
  br i1 %or.cond.i, label %B552.i, label %B590.i

B1576.if.i:
  %square.2.7571.i = phi i64 [ 0, %B1542.i ], [ %.1570.i, %B1576.if.i ]
  %.1455.0569.i = phi i64 [ 0, %B1542.i ], [ %.1524.i, %B1576.if.i ]
  %.1524.i = add nsw i64 %.1455.0569.i, 1
  %.1556.i = getelementptr i64, ptr %17, i64 %.1455.0569.i
  %.1557.i = load i64, ptr %.1556.i, align 8
  %.1565.i = getelementptr i64, ptr %18, i64 %.1455.0569.i
  %.1566.i = load i64, ptr %.1565.i, align 8
  %.1567.i = sub nsw i64 %.1557.i, %.1566.i
  %.1568.i = mul nsw i64 %.1567.i, %.1567.i
  %.1570.i = add nsw i64 %.1568.i, %square.2.7571.i
  %exitcond597.not.i = icmp eq i64 %.1524.i, 3
  br i1 %exitcond597.not.i, label %B1680.i, label %B1576.if.i

B1900.if.i:
  %.1849.0588.i = phi i64 [ %.1918.i, %B1900.if.i ], [ 0, %B54.loopexit.i ]
  %.1918.i = add nsw i64 %.1849.0588.i, 1
  %.1944.i = getelementptr i64, ptr %11, i64 %.1849.0588.i
  %.1945.i = load i64, ptr %.1944.i, align 8
  %.1947.i = getelementptr i64, ptr %11, i64 %.1945.i
  %.1948.i = load i64, ptr %.1947.i, align 8
  store i64 %.1948.i, ptr %.1944.i, align 8
  %exitcond600.not.i = icmp eq i64 %4, %.1918.i
  br i1 %exitcond600.not.i, label %exit, label %B1900.if.i

exit:
  ret void
}

declare i32 @llvm.umin.i32(i32, i32)

declare i32 @llvm.umax.i32(i32, i32)

declare i64 @llvm.smax.i64(i64, i64)

declare i64 @llvm.smin.i64(i64, i64)

declare i64 @llvm.abs.i64(i64, i1 immarg)

declare void @llvm.memmove.p0.p0.i64(ptr writeonly , ptr readonly , i64, i1 immarg)

